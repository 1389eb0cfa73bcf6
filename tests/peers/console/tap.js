// Put before the page's own scripts: keeps what the page hears and what it is told. Changes neither.
(() => {
  const Native = window.RTCPeerConnection;
  const tap = { facts: [], states: [], sound: [], peer: null };

  // What the browser hands to its loudspeaker, as it does so: 10 ms at a time.
  async function listen(track) {
    const { readable } = new MediaStreamTrackProcessor({ track: track.clone(), maxBufferSize: 500 });
    for (const reader = readable.getReader(); ;) {
      const { done, value } = await reader.read();
      if (done) return;
      const samples = new Float32Array(value.numberOfFrames);
      value.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
      tap.sound.push({ now: performance.now(), at: value.timestamp / 1000, rate: value.sampleRate, samples });
      value.close();
    }
  }

  /** `{pcm, marks}`: 16-bit samples in base64; of each piece when it came, its own time, its length. */
  tap.heard = async () => {
    const sound = [...tap.sound]; // more comes meanwhile
    const pieces = sound.map(({ samples }) => Int16Array.from(samples, (one) => one * 32767));
    const url = await new Promise((done) => {
      const reader = new FileReader();
      reader.onload = () => done(reader.result);
      reader.readAsDataURL(new Blob(pieces));
    });
    const marks = sound.map(({ now, at, rate, samples }) => [now, at, rate, samples.length]);
    return { pcm: url.slice(url.indexOf(",") + 1), marks };
  };

  window.RTCPeerConnection = class extends Native {
    constructor(...all) {
      super(...all);
      tap.peer = this;
      this.addEventListener("track", ({ track }) => listen(track));
      this.addEventListener("connectionstatechange", () => {
        tap.states.push([performance.now(), this.connectionState]);
      });
    }

    createDataChannel(...all) {
      const channel = super.createDataChannel(...all);
      channel.addEventListener("message", ({ data }) => {
        tap.facts.push({ now: performance.now(), ...JSON.parse(data) });
      });
      return channel;
    }
  };
  window.tap = tap;
})();
