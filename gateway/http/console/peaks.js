// The outline of a WAV as it arrives, in bounded memory: least and greatest sample of every 10 ms.
// Pure. Takes 16-bit linear PCM of any number of channels, as call.wav is.

const MOST_HEADER = 65536; // a WAV whose sound begins later is none of ours

/** Feed it the bytes of a WAV in pieces of any size; `tracks` may be read at any time. */
export class Outline {
  #head = new Uint8Array(0); // what came before the sound, or a torn frame
  #inSound = false;
  #bucket = 0;
  #filled = 0;
  rate = 0;
  channels = 0;
  frames = 0;
  loudest = 0; // of all channels, 0 to 1
  tracks = []; // of each channel: {low: number[], high: number[]}, -1 to 1

  /** Frames in one step of the outline. */
  get bucket() {
    return this.#bucket;
  }

  /** Throws `Error` if this is not 16-bit PCM in a WAV. */
  push(bytes) {
    const all = new Uint8Array(this.#head.length + bytes.length);
    all.set(this.#head);
    all.set(bytes, this.#head.length);
    let from = 0;
    if (!this.#inSound) {
      from = this.#header(all);
      if (from < 0) {
        if (all.length > MOST_HEADER) throw new Error("no sound in this WAV");
        this.#head = all;
        return;
      }
      this.#inSound = true;
    }
    const size = 2 * this.channels;
    const whole = Math.floor((all.length - from) / size);
    this.#sound(new DataView(all.buffer, from, whole * size), whole);
    this.#head = all.slice(from + whole * size);
  }

  // Where the sound begins; -1 if that has not come yet.
  #header(bytes) {
    const view = new DataView(bytes.buffer);
    const name = (at) => String.fromCharCode(...bytes.subarray(at, at + 4));
    if (bytes.length < 12) return -1;
    if (name(0) !== "RIFF" || name(8) !== "WAVE") throw new Error("this is not a WAV");
    for (let at = 12; at + 8 <= bytes.length;) {
      const size = view.getUint32(at + 4, true);
      if (name(at) === "data") {
        if (!this.channels) throw new Error("this WAV does not say what it holds");
        return at + 8;
      }
      if (name(at) === "fmt ") {
        if (at + 24 > bytes.length) return -1;
        this.#format(view, at + 8);
      }
      at += 8 + size + (size % 2);
    }
    return -1;
  }

  #format(view, at) {
    if (view.getUint16(at, true) !== 1 || view.getUint16(at + 14, true) !== 16) {
      throw new Error("this WAV is not 16-bit PCM");
    }
    this.channels = view.getUint16(at + 2, true);
    this.rate = view.getUint32(at + 4, true);
    this.#bucket = Math.max(1, Math.round(this.rate / 100));
    this.tracks = Array.from({ length: this.channels }, () => ({ low: [], high: [] }));
  }

  #sound(view, whole) {
    for (let frame = 0, at = 0; frame < whole; frame += 1) {
      for (const track of this.tracks) {
        const value = view.getInt16(at, true) / 32768;
        at += 2;
        if (value > this.loudest || -value > this.loudest) this.loudest = Math.abs(value);
        if (this.#filled === 0) {
          track.low.push(value);
          track.high.push(value);
          continue;
        }
        const last = track.low.length - 1;
        if (value < track.low[last]) track.low[last] = value;
        else if (value > track.high[last]) track.high[last] = value;
      }
      this.#filled = (this.#filled + 1) % this.#bucket;
    }
    this.frames += whole;
  }
}

/** Least and greatest of `track` from step `from` to `to`, fractions allowed; null where empty. */
export function extent(track, from, to) {
  const first = Math.max(0, Math.floor(from));
  const last = Math.min(track.low.length, Math.max(first + 1, Math.ceil(to)));
  if (first >= last) return null;
  let low = 1;
  let high = -1;
  for (let i = first; i < last; i += 1) {
    if (track.low[i] < low) low = track.low[i];
    if (track.high[i] > high) high = track.high[i];
  }
  return { low, high };
}
