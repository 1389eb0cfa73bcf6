import assert from "node:assert/strict";
import test from "node:test";

import { merged } from "../../../../gateway/http/console/events.js";
import { Scale } from "../../../../gateway/http/console/scale.js";
import { MediaClock, clock, millis, spoken } from "../../../../gateway/http/console/time.js";
import { ending, microphoneTrouble, refusal } from "../../../../gateway/http/console/wording.js";

test("times as people read them", () => {
  assert.deepEqual([0, 16000 * 65, 16000 * 3661.9].map(clock), ["0:00", "1:05", "1:01:01"]);
  assert.deepEqual([16000, 16000 * 65, 16000 * 120].map(spoken), ["1 second", "1 minute 5 seconds", "2 minutes"]);
  assert.deepEqual([479.6, null, undefined].map(millis), ["480 ms", "–", "–"]);
});

test("the media clock takes the promptest fact for its measure", () => {
  const media = new MediaClock();
  assert.equal(media.at(1000), 0);
  media.heard(16000, 1200);
  media.heard(24000, 1600); // 100 ms quicker on its way than the first
  assert.equal(media.at(2600), 40000);
  media.heard(24000, 5000); // late: changes nothing
  assert.equal(media.at(2600), 40000);
});

test("every outcome of the gateway has its words", () => {
  assert.equal(ending({ fault: "none", reason: "goodbye" }), "The bot said goodbye and hung up");
  assert.equal(ending({ fault: "bot", reason: "of-tomorrow" }), "bot/of-tomorrow");
  assert.equal(ending(null), "Not ended");
});

test("a full server says when to try again", () => {
  assert.match(refusal({ status: 503, detail: "", retryAfter: 5 }), /busy.*in 5 seconds/);
  assert.match(refusal({ status: 503, detail: "draining", retryAfter: null }), /in a moment.*draining/);
  assert.match(refusal({ status: 0 }), /does not answer/);
  assert.match(refusal({ status: 422, detail: "no audio" }), /422.*no audio/);
});

test("troubles with the microphone are told apart", () => {
  const names = ["NotAllowedError", "NotFoundError", "NotReadableError", "InsecureContext", "OtherError"];
  assert.equal(new Set(names.map(microphoneTrouble)).size, names.length);
  assert.match(microphoneTrouble("OtherError"), /OtherError/);
});

test("facts of file and stream are there once each, in order of time", () => {
  const file = [{ at: 0, type: "answer" }, { at: 5, type: "digit", key: "1" }];
  const stream = [{ at: 5, type: "digit", key: "1", call_id: "a" }, { at: 3, type: "digit", key: "2", call_id: "a" }];
  assert.deepEqual(merged(file, stream).map((fact) => fact.key), [undefined, "2", "1"]);
});

test("a scale shows a stretch around its centre and stays within the call", () => {
  const whole = new Scale({ length: 160000, width: 100 });
  assert.deepEqual([whole.from, whole.to, whole.x(80000), whole.at(25)], [0, 160000, 50, 40000]);
  const part = new Scale({ length: 160000, width: 100, span: 32000, centre: 80000 });
  assert.deepEqual([part.from, part.to], [64000, 96000]);
  assert.equal(part.shows({ start: 0, end: 63999 }), false);
  assert.deepEqual(new Scale({ length: 160000, width: 100, span: 32000, centre: 0 }).from, 0);
  assert.deepEqual(new Scale({ length: 160000, width: 100, span: 32000, centre: 160000 }).to, 160000);
  assert.deepEqual(whole.ticks(20), [0, 32000, 64000, 96000, 128000, 160000]);
});
