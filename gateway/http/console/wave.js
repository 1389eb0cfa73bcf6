// Draws a call: the sound of both sides, and between them who spoke when.

import { extent } from "./peaks.js";
import { RATE, clock } from "./time.js";

const BAND = 12; // height of a strip of turns, pixels
const RULER = 20;
const QUIETEST = 0.05; // a call without a loud moment is no noise that fills the drawing
const LABELLED = 34; // a gap narrower than this has no room for its figure

/** Draws on `canvas`, in the colours of its style. Sizes are those it is shown at. */
export class Wave {
  #canvas;
  #ink;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#ink = canvas.getContext("2d");
  }

  /** `outline` may be null: the sound is not there yet, or cannot be had. */
  draw({ scale, outline, bands, at }) {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const dense = devicePixelRatio || 1;
    const [wide, high] = [Math.round(width * dense), Math.round(height * dense)];
    if (this.#canvas.width !== wide) this.#canvas.width = wide;
    if (this.#canvas.height !== high) this.#canvas.height = high;
    this.#ink.setTransform(dense, 0, 0, dense, 0, 0);
    this.#ink.clearRect(0, 0, width, height);
    const colours = this.#colours();
    const lane = (height - RULER - 3 * BAND) / 2;
    const middle = lane + 1.5 * BAND;
    this.#overlaps(scale, bands, { height: height - RULER, colours });
    this.#track(outline?.tracks[0], { scale, outline, middle: lane / 2, half: lane / 2, colour: colours.caller });
    this.#track(outline?.tracks[1], {
      scale, outline, middle: height - RULER - lane / 2, half: lane / 2, colour: colours.bot,
    });
    this.#spans(scale, bands.caller, { y: middle - 1.5 * BAND + 2, colour: colours.caller });
    this.#spans(scale, bands.bot, { y: middle + 0.5 * BAND - 2, colour: colours.bot });
    this.#gaps(scale, bands.gaps, { y: middle, colours });
    this.#marks(scale, bands, { height: height - RULER, colours });
    this.#ruler(scale, { height, colours });
    this.#line(scale.x(at), { top: 0, bottom: height - RULER, colour: colours.ink, width: 1.5 });
  }

  #colours() {
    const style = getComputedStyle(this.#canvas);
    const of = (name) => style.getPropertyValue(`--${name}`).trim();
    return {
      caller: of("caller"), bot: of("bot"), both: of("both"), ink: of("ink"), faint: of("faint"),
      cut: of("fault"), font: style.fontFamily,
    };
  }

  #track(track, { scale, outline, middle, half, colour }) {
    if (!track) return;
    const steps = (at) => (at * outline.rate) / RATE / outline.bucket;
    const reach = (half * 0.94) / Math.max(outline.loudest, QUIETEST); // one measure for both sides
    this.#ink.fillStyle = colour;
    for (let x = 0; x < scale.width; x += 1) {
      const seen = extent(track, steps(scale.at(x)), steps(scale.at(x + 1)));
      if (!seen) break;
      const top = middle - seen.high * reach;
      const bottom = middle - seen.low * reach;
      this.#ink.fillRect(x, top, 1, Math.max(1, bottom - top));
    }
  }

  #spans(scale, spans, { y, colour }) {
    this.#ink.fillStyle = colour;
    for (const span of spans.filter((one) => scale.shows(one))) {
      const from = scale.x(span.start);
      this.#ink.beginPath();
      this.#ink.roundRect(from, y, Math.max(2, scale.x(span.end) - from), BAND, 3);
      this.#ink.fill();
    }
  }

  #overlaps(scale, { overlaps }, { height, colours }) {
    this.#ink.fillStyle = colours.both;
    this.#ink.globalAlpha = 0.22;
    for (const span of overlaps.filter((one) => scale.shows(one))) {
      const from = scale.x(span.start);
      this.#ink.fillRect(from, 0, Math.max(2, scale.x(span.end) - from), height);
    }
    this.#ink.globalAlpha = 1;
  }

  // From the end of the caller's strip down to the start of the bot's.
  #gaps(scale, gaps, { y, colours }) {
    this.#ink.strokeStyle = colours.ink;
    this.#ink.fillStyle = colours.ink;
    this.#ink.font = `11px ${colours.font}`;
    this.#ink.textAlign = "center";
    this.#ink.textBaseline = "middle";
    this.#ink.lineWidth = 1;
    for (const gap of gaps.filter((one) => scale.shows(one))) {
      const [from, to] = [scale.x(gap.start), scale.x(gap.end)];
      const text = ((gap.end - gap.start) / RATE).toFixed(2);
      const room = to - from >= LABELLED;
      this.#ink.beginPath();
      this.#ink.moveTo(from, y - 4);
      this.#ink.lineTo(from, y + 4);
      this.#ink.moveTo(to, y - 4);
      this.#ink.lineTo(to, y + 4);
      if (!room) {
        this.#ink.moveTo(from, y);
        this.#ink.lineTo(to, y);
      }
      this.#ink.stroke();
      if (room) this.#ink.fillText(text, (from + to) / 2, y + 0.5);
    }
  }

  #marks(scale, { cuts, digits }, { height, colours }) {
    for (const cut of cuts.filter((one) => scale.shows({ start: one.at, end: one.at }))) {
      const x = scale.x(cut.at);
      this.#line(x, { top: height / 2, bottom: height, colour: colours.cut, width: 2 });
    }
    this.#ink.fillStyle = colours.ink;
    this.#ink.font = `bold 11px ${colours.font}`;
    this.#ink.textBaseline = "top";
    for (const { at, key } of digits) this.#ink.fillText(key, scale.x(at), 2);
  }

  #ruler(scale, { height, colours }) {
    this.#ink.font = `11px ${colours.font}`;
    this.#ink.textBaseline = "bottom";
    this.#ink.fillStyle = colours.faint;
    for (const at of scale.ticks(80)) {
      const x = scale.x(at);
      this.#ink.textAlign = x < 16 ? "left" : x > scale.width - 16 ? "right" : "center";
      this.#ink.fillText(clock(at), x, height - 1);
    }
    this.#ink.textAlign = "center";
  }

  #line(x, { top, bottom, colour, width }) {
    this.#ink.strokeStyle = colour;
    this.#ink.lineWidth = width;
    this.#ink.beginPath();
    this.#ink.moveTo(x, top);
    this.#ink.lineTo(x, bottom);
    this.#ink.stroke();
  }
}
