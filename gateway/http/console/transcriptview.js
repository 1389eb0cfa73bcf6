// A transcript on the page: grows while a call runs, follows playback and seeks afterwards.

import { make } from "./dom.js";
import { placeOf } from "./transcript.js";
import { clock, seconds } from "./time.js";

const NAMES = { caller: "Caller", bot: "Bot" };

/** Shows the lines of a `Transcript`. `seek(samples)`, if given, makes words and times clickable. */
export class TranscriptView {
  #rows = new Map(); // key to {line, row, drawn}
  #lines = [];
  #current = null;
  #seek;
  #names;

  constructor({ seek = null, live = false, names = NAMES, empty = "Nothing was said." } = {}) {
    this.#seek = seek;
    this.#names = names;
    this.list = make("ol", { class: "transcript" });
    this.empty = make("p", { class: "empty" }, empty);
    this.element = make("div", {
      class: seek ? "transcript-box seekable" : "transcript-box",
      tabindex: "0",
      role: live ? "log" : "region",
      "aria-label": "Transcript",
      "aria-live": live ? "polite" : "off",
    }, this.empty, this.list);
  }

  /** Draw what is new; rows that stay as they were are not touched, so nothing is read twice. */
  show(lines) {
    const box = this.element;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
    this.#lines = lines;
    this.empty.hidden = lines.length > 0;
    const keys = new Set(lines.map((line) => line.key));
    for (const [key, { row }] of this.#rows) {
      if (keys.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    lines.forEach((line, index) => this.#place(line, index));
    if (atEnd && !this.#seek) box.scrollTop = box.scrollHeight;
  }

  /** Grey what a live call has announced and nobody has heard yet. */
  heardUntil(at) {
    for (const { words } of this.#rows.values()) {
      words?.forEach((word) => word.element.classList.toggle("ahead", word.start > at));
    }
  }

  /** Mark what is said at `at`, and bring it into view if `follow`. */
  playing(at, follow) {
    const place = placeOf(this.#lines, at);
    const entry = place && this.#rows.get(place.key);
    const word = entry?.words?.[place.word]?.element ?? null;
    if (this.#current?.row !== entry?.row) {
      this.#current?.row.classList.remove("now");
      entry?.row.classList.add("now");
      if (entry && follow) this.#reveal(entry.row);
    }
    if (this.#current?.word !== word) {
      this.#current?.word?.classList.remove("now");
      word?.classList.add("now");
    }
    this.#current = entry ? { row: entry.row, word } : null;
  }

  #reveal(row) {
    const box = this.element;
    const top = row.offsetTop - box.clientHeight / 3;
    if (box.scrollHeight > box.clientHeight) box.scrollTop = Math.max(0, top);
  }

  #place(line, index) {
    const drawn = JSON.stringify([line.words?.length, line.cutAt, line.unheard, line.text]);
    let entry = this.#rows.get(line.key);
    if (!entry) {
      entry = line.kind === "note" ? this.#note(line) : this.#said(line);
      this.#rows.set(line.key, entry);
    }
    if (line.kind === "said" && entry.drawn !== drawn) this.#words(entry, line);
    entry.drawn = drawn;
    const there = this.list.children[index];
    if (there !== entry.row) this.list.insertBefore(entry.row, there ?? null);
  }

  #note(line) {
    const row = make("li", { class: "note" }, this.#time(line), make("p", {}, line.text));
    return { row };
  }

  #said(line) {
    const text = make("p", {});
    const name = make("span", { class: "who" }, this.#names[line.speaker]);
    const row = make("li", { class: `said ${line.speaker}` }, this.#time(line), name, text);
    return { row, text, words: [] };
  }

  #time(line) {
    const text = clock(line.start);
    if (!this.#seek) return make("span", { class: "time" }, text);
    const label = `Play from ${text}`;
    const onclick = () => this.#seek(line.start);
    return make("button", { class: "time", type: "button", "aria-label": label, onclick }, text);
  }

  // Words are no buttons: a keyboard would have to pass hundreds. The time of each line is one.
  #words(entry, line) {
    const same = entry.words.length <= line.words.length && line.cutAt === null;
    if (!same || entry.cut) {
      entry.text.replaceChildren();
      entry.words = [];
    }
    for (const { text, start } of line.words.slice(entry.words.length)) {
      const element = make("span", { class: "word" }, text);
      if (this.#seek) element.addEventListener("click", () => this.#seek(start));
      entry.text.append(entry.words.length ? " " : "", element);
      entry.words.push({ element, start });
    }
    entry.cut = line.cutAt !== null;
    if (entry.cut) this.#cut(entry.text, line);
  }

  #cut(text, line) {
    const where = `cut off at ${clock(line.cutAt)}`;
    const title = `The caller stopped hearing the bot here, at ${seconds(line.cutAt)}`;
    text.append(
      make("span", { class: "cut", title }, make("span", { class: "unseen" }, ` (${where}) `)),
      make("del", { title: "Never heard" }, make("span", { class: "unseen" }, "not heard: "), line.unheard),
    );
  }
}
