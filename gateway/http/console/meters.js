// How loud both sides are, as bars: drawings for the eye only, so hidden from screen readers.

import { calm, make } from "./dom.js";

const FLOOR_DB = -60;

/** A bar named by the colour of its `side`, `caller` or `bot`. */
export function bar(side) {
  return make("div", { class: `meter ${side}`, "aria-hidden": "true" }, make("span"));
}

/** Shows streams on bars until stopped. */
export class Meters {
  #context = new AudioContext();
  #watched = [];
  #frame = 0;

  /** The stream must play in an element too, or Chromium gives WebAudio silence. */
  watch(stream, shown) {
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = 512;
    this.#context.createMediaStreamSource(stream).connect(analyser);
    const held = { analyser, shown: shown.firstElementChild, level: 0 };
    this.#watched.push({ ...held, samples: new Float32Array(analyser.fftSize) });
    this.#context.resume();
    if (!this.#frame) this.#draw();
  }

  stop() {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#frame);
    this.#context.close();
    for (const { shown } of this.#watched) shown.style.transform = "scaleX(0)";
  }

  #draw = () => {
    for (const one of this.#watched) {
      one.analyser.getFloatTimeDomainData(one.samples);
      const now = loudness(one.samples);
      one.level = Math.max(now, one.level - 0.03); // falls slowly: a bar that flickers says nothing
      one.shown.style.transform = `scaleX(${one.level.toFixed(3)})`;
    }
    this.#frame = calm() ? setTimeout(this.#draw, 250) : requestAnimationFrame(this.#draw);
  };
}

// Root mean square on a scale of decibels, 0 to 1.
function loudness(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const db = 10 * Math.log10(sum / samples.length + 1e-12);
  return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
}
