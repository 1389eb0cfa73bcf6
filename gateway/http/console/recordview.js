// One call: its sound, who spoke when, its words in step, its figures. Of a running one, the words.

import { artefact, follow, hangUp, oneCall, timeline } from "./api.js";
import { bands } from "./bands.js";
import { make } from "./dom.js";
import { merged } from "./events.js";
import { figures } from "./figures.js";
import { player } from "./player.js";
import { MediaClock, clock } from "./time.js";
import { Transcript } from "./transcript.js";
import { TranscriptView } from "./transcriptview.js";
import { ending } from "./wording.js";

const LOOK_MS = 1500; // by then the stream of events is open
const FINISHED_MS = 800; // call.json is written after the last fact

/** Mounts the call `id` on `root`; `failed(error)` is told what kept it from being shown. */
export function recordView(root, { id, failed }) {
  const box = make("article", { class: "record" });
  const heading = make("h1", { tabindex: "-1" }, "Call");
  const note = make("p", { class: "empty", role: "status" }, "Fetching the call…");
  root.append(make("p", { class: "back" }, make("a", { href: "#/calls" }, "All calls")), heading, note, box);
  let stop = () => {};
  let gone = false;

  async function show() {
    stop();
    stop = () => {};
    try {
      const [call, facts] = await Promise.all([oneCall(id), timeline(id)]);
      if (gone) return;
      heading.textContent = title(call);
      document.title = `${title(call)} · Parley`;
      note.hidden = true;
      stop = call.live ? running(box, { id, call, facts, ended: show }) : finished(box, { id, call, facts });
    } catch (error) {
      if (gone) return;
      note.hidden = false;
      note.textContent = error.status === 404 ? "There is no such call." : error.message;
      failed(error);
    }
  }
  show();
  return () => {
    gone = true;
    stop();
  };
}

function title(call) {
  if (!call.started) return `Call ${call.call_id}`;
  return new Date(call.started).toLocaleString(undefined, { dateStyle: "long", timeStyle: "short" });
}

function folded(facts) {
  const transcript = new Transcript();
  for (const fact of facts) transcript.add(fact);
  return transcript;
}

function finished(box, { id, call, facts }) {
  const length = call.duration || facts.at(-1)?.at || 0;
  const lines = folded(facts).lines();
  const sound = player({
    id, length, bands: bands(facts, length), moved: (at, playing) => view.playing(at, playing),
  });
  const view = new TranscriptView({ seek: sound.seek });
  view.show(lines);
  const outcome = make("p", { class: call.outcome?.fault === "none" ? "outcome" : "outcome fault" },
    `${ending(call.outcome)}, after ${clock(length)}`);
  const links = [["audio", "Sound (WAV)"], ["vtt", "Captions (VTT)"], ["timeline", "Timeline (JSON)"]]
    .map(([name, text]) => make("a", { href: artefact(id, name), download: true }, text));
  box.replaceChildren(outcome, sound.element, make("div", { class: "beside" },
    make("section", { "aria-label": "Transcript" }, make("h2", {}, "Transcript"), view.element),
    make("section", { "aria-label": "Figures" }, make("h2", {}, "Figures"), figures(call),
      make("p", { class: "links" }, ...links))));
  return sound.stop;
}

function running(box, { id, facts, ended }) {
  const view = new TranscriptView({
    live: true, empty: "What is said from now on appears here; the rest once the call is over.",
  });
  const media = new MediaClock();
  const said = make("p", { role: "status", class: "outcome" }, "This call is running. ");
  const button = make("button", { type: "button", class: "plain" }, "Hang up");
  let known = facts;
  let over = false;
  const timers = [];
  const draw = () => {
    view.show(folded(known).lines());
    if (over || !known.some((fact) => fact.type === "outcome")) return;
    over = true;
    timers.push(setTimeout(ended, FINISHED_MS));
  };
  const take = (fact) => {
    media.heard(fact.at, performance.now());
    known = merged(known, [fact]);
    draw();
  };
  // The stream has no past: the call may have ended before it opened, or while it was broken.
  const look = async () => {
    const call = await oneCall(id).catch(() => null);
    if (call && !call.live) ended();
  };
  const stop = follow({ id, take, again: look });
  timers.push(setTimeout(look, LOOK_MS));
  const ticking = setInterval(() => view.heardUntil(media.at(performance.now()) || Infinity), 200);
  button.onclick = () => hangUp(id).catch((error) => (said.textContent = error.message));
  box.replaceChildren(said, button, view.element);
  draw();
  return () => {
    stop();
    clearInterval(ticking);
    timers.forEach(clearTimeout);
  };
}
