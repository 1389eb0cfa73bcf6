// Who said what, and how much of it was heard: a fold over the facts of a call. Pure.
//
// It follows bot/transcript.py, and keeps besides what was cut off before it was heard.

const JOINED = 16000; // a cut this soon after a sentence's last word belongs to that sentence: 1 s

const NOTES = {
  digit: (fact) => `Key ${fact.key}`,
  held: (fact) => (fact.on ? "Put on hold" : "Taken off hold"),
  moved: () => "The caller’s sound comes from another address",
  resume: () => "A false stop: the bot goes on",
  tool: (fact) => (fact.name === "hangup" ? "The bot hangs up" : `The bot asks for “${fact.name}”`),
  lost: (fact) => `Part of the ${fact.track}’s sound could not be recorded: ${fact.why}`,
};

/**
 * Feed it facts in order; `lines()` gives, in the order in which they began,
 * `{kind: "said", key, speaker, start, end, words: [{text, start, end}], cutAt, unheard}` and
 * `{kind: "note", key, start, text}`. `words` were heard to their end; `cutAt` is null, or where
 * the caller ceased to hear the sentence whose rest is `unheard`.
 */
export class Transcript {
  #said = new Map();
  #notes = [];
  outcome = null;

  add(fact) {
    if (fact.type === "words") this.#words(fact);
    else if (fact.type === "cut") this.#cut(fact.heard_until, fact.unheard);
    else if (fact.type === "outcome") {
      this.outcome = { fault: fact.fault, reason: fact.reason };
      this.#cut(fact.at, null);
    } else if (fact.type in NOTES) {
      const key = `note-${this.#notes.length}`;
      this.#notes.push({ kind: "note", key, start: fact.at, text: NOTES[fact.type](fact) });
    }
  }

  lines() {
    const all = [...this.#said.values(), ...this.#notes];
    return all.filter((line) => line.kind === "note" || line.words.length || line.unheard)
      .sort((a, b) => a.start - b.start);
  }

  #words(fact) {
    const words = fact.words.map(([text, start, end]) => ({ text, start, end }));
    const line = this.#line(fact.speaker, fact.utterance, fact.start);
    line.words.push(...words);
    line.end = Math.max(line.end, fact.end);
  }

  #line(speaker, utterance, start) {
    const key = `${speaker}-${utterance}`;
    if (!this.#said.has(key)) {
      this.#said.set(key, {
        kind: "said", key, speaker, start, end: start, words: [], cutAt: null, unheard: "",
      });
    }
    return this.#said.get(key);
  }

  // `unheard` is null at the end of a call: then it is whatever stands after `at`.
  #cut(at, unheard) {
    const bots = [...this.#said.values()].filter((line) => line.speaker === "bot");
    let torn = null;
    for (const line of bots) {
      const kept = line.words.filter((word) => word.end <= at);
      if (kept.length === line.words.length) continue;
      const rest = line.words.slice(kept.length).map((word) => word.text).join(" ");
      Object.assign(line, { words: kept, cutAt: at, unheard: line.unheard || rest });
      torn = line;
    }
    if (!unheard) return;
    torn ??= bots.findLast((line) => line.cutAt === null && at - line.end < JOINED && at >= line.start);
    torn ??= this.#line("bot", `cut-at-${at}`, at); // nothing of it was heard
    Object.assign(torn, { cutAt: at, unheard });
  }
}

/** Where `at` falls: the key of the line, and the number of the word in it or -1. */
export function placeOf(lines, at) {
  let found = null;
  for (const line of lines) {
    if (line.kind !== "said" || line.start > at) continue;
    if (at > (line.cutAt ?? line.end) + JOINED / 2) continue;
    found = { key: line.key, word: line.words.findLastIndex((word) => word.start <= at) };
  }
  return found;
}
