import assert from "node:assert/strict";
import test from "node:test";

import { bands } from "../../../../gateway/http/console/bands.js";

const turn = (state, sample) => ({ type: "turn", at: sample, speaker: "caller", state, sample });
const said = (speaker, ...words) => ({
  type: "words", at: words[0][0], speaker, utterance: 1,
  words: words.map(([start, end]) => ["word", start, end]),
});

test("the caller's spans are its turns, an open one lasts until now", () => {
  const found = bands([turn("start", 100), turn("end", 900), turn("start", 2000)], 5000);
  assert.deepEqual(found.caller, [{ start: 100, end: 900 }, { start: 2000, end: 5000 }]);
});

test("without turns the caller's words stand for them", () => {
  assert.deepEqual(bands([said("caller", [100, 900])], 5000).caller, [{ start: 100, end: 900 }]);
});

test("pauses under half a second are within the bot's speech", () => {
  const found = bands([said("bot", [0, 1000], [8999, 9500], [17500, 18000])], 20000);
  assert.deepEqual(found.bot, [{ start: 0, end: 9500 }, { start: 17500, end: 18000 }]);
});

test("what was cut off is no speech, what comes after the cut is", () => {
  const facts = [
    said("bot", [0, 1000], [1100, 3000], [3100, 4000]),
    { type: "cut", at: 2000, onset: 1500, heard_until: 2000 },
    said("bot", [30000, 31000]),
  ];
  const found = bands(facts, 40000);
  assert.deepEqual(found.bot, [{ start: 0, end: 2000 }, { start: 30000, end: 31000 }]);
  assert.deepEqual(found.cuts, [{ onset: 1500, at: 2000 }]);
});

test("overlaps are where both speak for as long as people perceive", () => {
  const facts = [turn("start", 5000), turn("end", 9000), said("bot", [0, 8000], [40000, 50000]),
    turn("start", 49000), turn("end", 60000)];
  assert.deepEqual(bands(facts, 60000).overlaps, [{ start: 5000, end: 8000 }]);
});

test("a gap runs from the caller's end to the bot's answer, and only to an answer", () => {
  const facts = [said("bot", [0, 8000]), turn("start", 20000), turn("end", 30000),
    said("bot", [38000, 40000]), said("bot", [80000, 90000])];
  assert.deepEqual(bands(facts, 90000).gaps, [{ start: 30000, end: 38000 }]);
});

test("a call without facts has nothing in it", () => {
  const none = { caller: [], bot: [], overlaps: [], gaps: [], cuts: [], digits: [] };
  assert.deepEqual(bands([], 0), none);
});
