// Both channels as 16 bit, interleaved, 4096 frames at a time.
const FRAMES = 4096;

registerProcessor("keeper", class extends AudioWorkletProcessor {
  #samples = new Int16Array(2 * FRAMES);
  #filled = 0;

  process([input]) {
    for (let i = 0; i < 128; i += 1) {
      for (let side = 0; side < 2; side += 1) {
        const value = input[side]?.[i] ?? 0;
        this.#samples[this.#filled] = Math.max(-1, Math.min(1, value)) * 32767;
        this.#filled += 1;
      }
    }
    if (this.#filled === this.#samples.length) {
      this.port.postMessage(this.#samples);
      this.#samples = new Int16Array(2 * FRAMES);
      this.#filled = 0;
    }
    return true;
  }
});
