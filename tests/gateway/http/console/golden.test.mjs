// The page's transcript is the gateway's: of every golden call the same words were heard.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";

import { bands } from "../../../../gateway/http/console/bands.js";
import { Transcript } from "../../../../gateway/http/console/transcript.js";

const GOLDEN = new URL("../../../golden/scripted/", import.meta.url);
const read = (name, file) => readFileSync(new URL(`${name}/${file}`, GOLDEN), "utf-8")
  .split("\n").filter(Boolean).map((line) => JSON.parse(line));

for (const name of readdirSync(GOLDEN)) {
  const facts = read(name, "timeline.jsonl");
  const transcript = new Transcript();
  facts.forEach((fact) => transcript.add(fact));
  const said = transcript.lines().filter((line) => line.kind === "said" && line.words.length);

  test(`${name}: the same words were heard`, () => {
    const ours = said.map((line) => [line.speaker, line.start, line.words.map((word) => word.text).join(" ")]);
    const theirs = read(name, "transcript.jsonl")
      .map((line) => [line.speaker, line.start, line.words.map(([text]) => text).join(" ")]);
    assert.deepEqual(ours, theirs);
  });

  test(`${name}: cut off where it was cut off`, () => {
    const ours = said.filter((line) => line.cutAt !== null).map((line) => line.cutAt);
    const theirs = read(name, "transcript.jsonl")
      .filter((line) => line.heard_until < line.end).map((line) => line.heard_until);
    for (const at of theirs) assert.ok(ours.includes(at), `${at} in ${ours}`);
  });

  test(`${name}: no speech lies outside the call, and none is empty`, () => {
    const end = facts.at(-1).at;
    const found = bands(facts, end);
    for (const span of [...found.caller, ...found.bot, ...found.overlaps, ...found.gaps]) {
      assert.ok(span.start >= 0 && span.start < span.end && span.end <= end, JSON.stringify(span));
    }
  });
}
