// Plays a recording, with its drawing in step: click, drag or keys seek.

import { ask, artefact } from "./api.js";
import { calm, icon, make } from "./dom.js";
import { Outline } from "./peaks.js";
import { Scale } from "./scale.js";
import { RATE, clock, spoken } from "./time.js";
import { Wave } from "./wave.js";

const SPANS = [["Whole call", null], ["1 minute", 60 * RATE], ["15 seconds", 15 * RATE]];
const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity };

/** `{element, seek(samples), stop()}`; `moved(samples, playing)` is told where it plays. */
export function player({ id, length, bands, moved }) {
  // Not before it is to be played: all of it is fetched already, for its outline.
  const audio = make("audio", { preload: "none", src: artefact(id, "audio") });
  const canvas = make("canvas", {
    class: "wave", tabindex: "0", role: "slider", "aria-label": "Place in the call",
    "aria-valuemin": "0", "aria-valuemax": String(Math.round(length / RATE)),
  });
  const button = make("button", { type: "button", class: "round play", "aria-label": "Play" }, icon("play"));
  const place = make("span", { class: "place" });
  const note = make("p", { class: "empty", role: "status" }, "Fetching the sound…");
  const wave = new Wave(canvas);
  let outline = null;
  let span = null;
  let frame = 0;

  const now = () => Math.min(length, Math.round(audio.currentTime * RATE));
  const scale = () => new Scale({ length, width: canvas.clientWidth, span, centre: now() });
  const draw = () => {
    const at = now();
    wave.draw({ scale: scale(), outline, bands, at });
    place.textContent = `${clock(at)} / ${clock(length)}`;
    canvas.setAttribute("aria-valuenow", String(Math.round(at / RATE)));
    canvas.setAttribute("aria-valuetext", `${spoken(at)} of ${spoken(length)}`);
    moved(at, !audio.paused);
  };
  const soon = () => {
    if (!frame) frame = requestAnimationFrame(() => {
      frame = 0;
      draw();
      if (!audio.paused) later();
    });
  };
  const later = () => (calm() ? setTimeout(soon, 250) : soon());
  const seek = (samples) => {
    audio.currentTime = Math.min(length, Math.max(0, samples)) / RATE;
    soon();
  };
  const toggle = () => (audio.paused ? audio.play().catch(() => said("The sound cannot be played.")) : audio.pause());
  const said = (text) => {
    note.textContent = text;
    note.hidden = !text;
  };
  const state = () => {
    button.firstChild.replaceWith(icon(audio.paused ? "play" : "pause"));
    button.setAttribute("aria-label", audio.paused ? "Play" : "Pause");
    soon();
  };
  for (const name of ["play", "pause", "ended"]) audio.addEventListener(name, state);
  for (const name of ["seeked", "timeupdate", "loadedmetadata"]) audio.addEventListener(name, soon);
  audio.addEventListener("error", () => said("There is no sound of this call."));
  button.onclick = toggle;
  pointers(canvas, (x) => seek(scale().at(x)));
  canvas.onkeydown = (event) => {
    if (event.key === " ") toggle();
    else if (event.key in STEPS) seek(now() + STEPS[event.key] * RATE);
    else return;
    event.preventDefault();
  };
  const resized = new ResizeObserver(soon);
  resized.observe(canvas);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", soon);
  const leaving = new AbortController();
  fetchOutline(id, { signal: leaving.signal, grown: (one) => ((outline = one), soon()) })
    .then(() => said(""), (error) => error.name === "AbortError" || said(`No sound to draw: ${error.message}`));

  const bar = make("div", { class: "player-bar" }, button, place, zoom((chosen) => ((span = chosen), soon())));
  const element = make("section", { class: "player", "aria-label": "Recording" }, canvas, legend(), bar, note, audio);
  const stop = () => {
    leaving.abort();
    resized.disconnect();
    dark.removeEventListener("change", soon);
    cancelAnimationFrame(frame);
    audio.pause();
    audio.removeAttribute("src");
  };
  return { element, seek, stop };
}

// One finger or button down seeks, and goes on seeking while it moves.
function pointers(canvas, to) {
  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId);
    to(event.offsetX);
  };
  canvas.onpointermove = (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) to(event.offsetX);
  };
}

function zoom(choose) {
  const options = SPANS.map(([name], index) => make("option", { value: String(index) }, name));
  const onchange = (event) => choose(SPANS[event.target.value][1]);
  return make("label", { class: "zoom" }, "Show ", make("select", { onchange }, ...options));
}

function legend() {
  const entry = (kind, text) => make("li", { class: kind }, text);
  return make("ul", { class: "legend" },
    entry("caller", "Caller"), entry("bot", "Bot"), entry("both", "Both at once"),
    entry("gap", "Response gap, seconds"), entry("cut", "Bot cut off"));
}

// An hour is 230 MB: read as it comes, and only its outline is kept.
async function fetchOutline(id, { signal, grown }) {
  const answer = await ask(`v1/calls/${encodeURIComponent(id)}/audio`, { signal });
  const outline = new Outline();
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    outline.push(value);
    grown(outline);
  }
}
