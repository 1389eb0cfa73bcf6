// Media time is counted in samples at 16 kHz; people read minutes and seconds. Pure.

export const RATE = 16000;

/** Samples as `m:ss`, hours in front where there are any. */
export function clock(samples) {
  const seconds = Math.max(0, Math.floor(samples / RATE));
  const two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const rest = two(seconds % 60);
  return hours ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/** Samples in words for a screen reader: `1 minute 5 seconds`. */
export function spoken(samples) {
  const seconds = Math.max(0, Math.round(samples / RATE));
  const minutes = Math.floor(seconds / 60);
  const part = (n, unit) => `${n} ${unit}${n === 1 ? "" : "s"}`;
  if (!minutes) return part(seconds, "second");
  return seconds % 60 ? `${part(minutes, "minute")} ${part(seconds % 60, "second")}` : part(minutes, "minute");
}

/** Milliseconds as people compare them: `480 ms`; a dash where nothing was measured. */
export function millis(ms) {
  return ms === null || ms === undefined ? "–" : `${Math.round(ms)} ms`;
}

/** Samples as seconds with two places: `0.48 s`. */
export function seconds(samples) {
  return `${(samples / RATE).toFixed(2)} s`;
}

/** Media time of a running call, from when its facts arrive: no fact comes before its time. */
export class MediaClock {
  #ahead = -Infinity; // samples by which media time leads the page's clock

  /** A fact noted at media time `at` arrived at `now`, milliseconds of the page. */
  heard(at, now) {
    this.#ahead = Math.max(this.#ahead, at - (now * RATE) / 1000);
  }

  /** Media time at `now`, in samples; 0 before the first fact. */
  at(now) {
    return Math.max(0, Math.round(this.#ahead + (now * RATE) / 1000));
  }
}
