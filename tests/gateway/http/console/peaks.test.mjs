import assert from "node:assert/strict";
import test from "node:test";

import { Outline, extent } from "../../../../gateway/http/console/peaks.js";

// A stereo WAV at 16 kHz; `extra` is a chunk in front of the sound.
function wav(left, right, { format = 1, extra = Buffer.alloc(0) } = {}) {
  const head = Buffer.alloc(36);
  head.write("RIFF", 0);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(format, 20);
  head.writeUInt16LE(2, 22);
  head.writeUInt32LE(16000, 24);
  head.writeUInt32LE(64000, 28);
  head.writeUInt16LE(4, 32);
  head.writeUInt16LE(16, 34);
  const data = Buffer.alloc(8 + 4 * left.length);
  data.write("data", 0);
  data.writeUInt32LE(4 * left.length, 4);
  left.forEach((value, i) => {
    data.writeInt16LE(value, 8 + 4 * i);
    data.writeInt16LE(right[i], 10 + 4 * i);
  });
  return new Uint8Array(Buffer.concat([head, extra, data]));
}

const LEFT = Array.from({ length: 400 }, (_, i) => (i < 160 ? i : i < 320 ? -i : 16384));
const RIGHT = LEFT.map((_, i) => (i === 200 ? -32768 : 0));

function outlined(bytes, piece = bytes.length) {
  const outline = new Outline();
  for (let at = 0; at < bytes.length; at += piece) outline.push(bytes.subarray(at, at + piece));
  return outline;
}

test("each track's least and greatest of every 10 ms", () => {
  const outline = outlined(wav(LEFT, RIGHT));
  assert.deepEqual([outline.rate, outline.channels, outline.frames, outline.bucket], [16000, 2, 400, 160]);
  assert.deepEqual(outline.tracks[0].low, [0, -319 / 32768, 0.5]);
  assert.deepEqual(outline.tracks[0].high, [159 / 32768, -160 / 32768, 0.5]);
  assert.deepEqual(outline.tracks[1].low, [0, -1, 0]);
  assert.equal(outline.loudest, 1);
});

test("pieces of any size give the same", () => {
  const whole = outlined(wav(LEFT, RIGHT));
  for (const piece of [1, 3, 7, 44, 45, 163]) {
    const pieced = outlined(wav(LEFT, RIGHT), piece);
    assert.deepEqual(pieced.tracks, whole.tracks, `pieces of ${piece}`);
    assert.equal(pieced.frames, whole.frames);
  }
});

test("other chunks before the sound are passed over, also of an odd size", () => {
  const extra = Buffer.from("LIST\x03\0\0\0abc\0", "latin1");
  assert.deepEqual(outlined(wav(LEFT, RIGHT, { extra })).tracks, outlined(wav(LEFT, RIGHT)).tracks);
});

test("what is no WAV of ours is refused", () => {
  assert.throws(() => outlined(new TextEncoder().encode("<!doctype html><p>")), /not a WAV/);
  assert.throws(() => outlined(wav(LEFT, RIGHT, { format: 7 })), /not 16-bit PCM/);
});

test("the extent of a stretch is that of all steps it touches, and null beyond the end", () => {
  const [track] = outlined(wav(LEFT, RIGHT)).tracks;
  assert.deepEqual(extent(track, 0, 3), { low: -319 / 32768, high: 0.5 });
  assert.deepEqual(extent(track, 2.2, 2.4), { low: 0.5, high: 0.5 });
  assert.equal(extent(track, 3, 4), null);
});
