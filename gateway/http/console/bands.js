// Who spoke when, where both did, and how long an answer took: from the facts of a call. Pure.
//
// Times are samples at 16 kHz. The caller's spans are the turns as the engine found them, the
// bot's are its words as they were heard, pauses included as gateway/score takes them.

const PAUSE = 8000; // shorter silences of one speaker are pauses within speech: 500 ms
const OVERLAP = 1920; // people do not perceive less: 120 ms

/**
 * `{caller, bot, overlaps, gaps, cuts, digits}`; spans are `{start, end}`. A gap runs from the
 * end of the caller's speech to the bot's answer. `until` closes a turn that is still open.
 */
export function bands(facts, until) {
  const caller = callerSpans(facts, until);
  const bot = botSpans(facts, until);
  return {
    caller,
    bot,
    overlaps: overlaps(caller, bot),
    gaps: gaps(caller, bot),
    cuts: facts.filter((fact) => fact.type === "cut")
      .map((fact) => ({ onset: fact.onset, at: fact.heard_until })),
    digits: facts.filter((fact) => fact.type === "digit").map(({ at, key }) => ({ at, key })),
  };
}

function callerSpans(facts, until) {
  const spans = [];
  let since = null;
  for (const fact of facts) {
    if (fact.type !== "turn" || fact.speaker !== "caller") continue;
    if (fact.state === "start") since ??= fact.sample;
    else if (since !== null) {
      spans.push({ start: since, end: fact.sample });
      since = null;
    }
  }
  if (since !== null && until > since) spans.push({ start: since, end: until });
  return spans.length ? spans : wordSpans(facts, "caller", until);
}

function botSpans(facts, until) {
  return wordSpans(facts, "bot", until);
}

// Words after a cut were announced and never heard.
function wordSpans(facts, speaker, until) {
  let words = [];
  for (const fact of facts) {
    if (fact.type === "words" && fact.speaker === speaker) {
      words.push(...fact.words.map(([, start, end]) => ({ start, end })));
    }
    const at = fact.type === "cut" ? fact.heard_until : fact.type === "outcome" ? fact.at : null;
    if (at !== null && speaker === "bot") words = clipped(words, at);
  }
  return joined(clipped(words, until));
}

function clipped(spans, at) {
  return spans.filter((span) => span.start < at)
    .map(({ start, end }) => ({ start, end: Math.min(end, at) }));
}

function joined(spans) {
  const found = [];
  for (const { start, end } of spans.toSorted((a, b) => a.start - b.start)) {
    const last = found.at(-1);
    if (last && start - last.end < PAUSE) last.end = Math.max(last.end, end);
    else found.push({ start, end });
  }
  return found;
}

function overlaps(caller, bot) {
  return caller.flatMap((ours) => bot.map((theirs) => ({
    start: Math.max(ours.start, theirs.start), end: Math.min(ours.end, theirs.end),
  }))).filter((span) => span.end - span.start >= OVERLAP);
}

function gaps(caller, bot) {
  const found = [];
  let before = -1; // where the bot ended before
  for (const span of bot) {
    const last = caller.findLast((ours) => ours.start < span.start);
    if (last && last.end >= before && last.end <= span.start) {
      found.push({ start: last.end, end: span.start });
    }
    before = span.end;
  }
  return found;
}
