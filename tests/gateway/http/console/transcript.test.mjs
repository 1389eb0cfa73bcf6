import assert from "node:assert/strict";
import test from "node:test";

import { Transcript, placeOf } from "../../../../gateway/http/console/transcript.js";

const words = (speaker, utterance, ...words) => ({
  type: "words", at: words[0][1], speaker, utterance, start: words[0][1], end: words.at(-1)[2], words,
});

const fold = (...facts) => {
  const transcript = new Transcript();
  facts.forEach((fact) => transcript.add(fact));
  return transcript;
};

const texts = (line) => line.words.map((word) => word.text).join(" ");

test("pieces of one utterance are one line, lines stand in the order in which they began", () => {
  const lines = fold(
    words("bot", 1, ["Good", 0, 100], ["day.", 120, 300]),
    words("bot", 1, ["Yes?", 400, 500]),
    words("caller", 1, ["Hello.", 350, 380]),
  ).lines();
  assert.deepEqual(lines.map(texts), ["Good day. Yes?", "Hello."]);
  assert.deepEqual(lines.map((line) => line.end), [500, 380]);
});

test("a cut leaves what was heard to its end, and keeps the rest apart", () => {
  const [line] = fold(
    words("bot", 2, ["Saturday", 100, 200], ["and", 210, 230], ["Sunday.", 240, 300]),
    { type: "cut", at: 218, reason: "words", onset: 150, heard_until: 220, unheard: "and Sunday. Goodbye." },
  ).lines();
  assert.equal(texts(line), "Saturday");
  assert.equal(line.cutAt, 220);
  assert.equal(line.unheard, "and Sunday. Goodbye.");
});

test("a cut between two pieces belongs to the sentence before it", () => {
  const [line] = fold(
    words("bot", 1, ["Eight.", 0, 100]),
    { type: "cut", at: 150, reason: "words", onset: 90, heard_until: 150, unheard: "To six." },
  ).lines();
  assert.deepEqual([texts(line), line.cutAt, line.unheard], ["Eight.", 150, "To six."]);
});

test("a sentence of which nothing was heard is a line of its own", () => {
  const lines = fold(
    words("bot", 1, ["Eight.", 0, 100]),
    { type: "cut", at: 90000, reason: "words", onset: 89000, heard_until: 90000, unheard: "Well." },
  ).lines();
  assert.deepEqual(lines.map((line) => [texts(line), line.unheard]), [["Eight.", ""], ["", "Well."]]);
});

test("the caller's words are never cut", () => {
  const [line] = fold(
    words("caller", 1, ["Stop", 100, 500]),
    { type: "cut", at: 200, reason: "words", onset: 100, heard_until: 200, unheard: "" },
  ).lines();
  assert.deepEqual([texts(line), line.cutAt], ["Stop", null]);
});

test("the end of a call cuts what was announced and not heard", () => {
  const transcript = fold(
    words("bot", 1, ["Good", 0, 100], ["bye.", 120, 300]),
    { type: "outcome", at: 200, fault: "none", reason: "caller-left" },
  );
  const [line] = transcript.lines();
  assert.deepEqual([texts(line), line.cutAt, line.unheard], ["Good", 200, "bye."]);
  assert.deepEqual(transcript.outcome, { fault: "none", reason: "caller-left" });
});

test("keys and holds are notes; facts of unknown types are passed over", () => {
  const lines = fold(
    { type: "digit", at: 10, key: "5" },
    { type: "held", at: 20, on: true },
    { type: "of tomorrow", at: 30 },
  ).lines();
  assert.deepEqual(lines.map((line) => line.text), ["Key 5", "Put on hold"]);
});

test("the place of a time is its line and the word last begun", () => {
  const lines = fold(
    words("bot", 1, ["Good", 0, 100], ["day.", 120, 300]),
    words("caller", 1, ["Hello.", 40000, 41000]),
  ).lines();
  assert.deepEqual(placeOf(lines, 110), { key: "bot-1", word: 0 });
  assert.deepEqual(placeOf(lines, 130), { key: "bot-1", word: 1 });
  assert.equal(placeOf(lines, 30000), null);
  assert.deepEqual(placeOf(lines, 40000), { key: "caller-1", word: 0 });
});
