// A call from this browser: WHIP (RFC 9725) for the offer, WebRTC for the sound.

import { Refused, address, ask } from "./api.js";
import { lent } from "./iceservers.js";

const RELEASE_MS = 2000;
const GATHERING_MS = 3000; // an offer without the last candidates is better than none
const MICROPHONE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** The microphone, as a stream. Throws what `getUserMedia` throws; off HTTPS `InsecureContext`. */
export async function microphone() {
  if (!navigator.mediaDevices) throw new DOMException("no HTTPS", "InsecureContext");
  return navigator.mediaDevices.getUserMedia({ audio: MICROPHONE });
}

/**
 * One call. `on` is told `state(name)` with the peer connection's states, `heard(stream)` when the
 * far side's sound can come, `fact(object)` for each event and `closed()` when the far side closed.
 */
export class Phone {
  #peer;
  #events;
  #sender;
  #resource = null;
  #over = false;
  id = null;

  constructor(stream, on) {
    this.stream = stream;
    this.#peer = new RTCPeerConnection({ iceServers: [] });
    this.#events = this.#peer.createDataChannel("events");
    this.#sender = this.#peer.addTrack(stream.getAudioTracks()[0], stream);
    this.#peer.onconnectionstatechange = () => this.#over || on.state(this.#peer.connectionState);
    this.#peer.ontrack = ({ track, streams }) => on.heard(streams[0] ?? new MediaStream([track]));
    this.#events.onmessage = ({ data }) => this.#over || on.fact(JSON.parse(data));
    this.#events.onclose = () => this.#over || on.closed();
  }

  /** Throws `Refused` if the server does not take the call. */
  async dial() {
    const iceServers = await lent();
    if (this.#over) return;
    if (iceServers.length) this.#peer.setConfiguration({ iceServers });
    await this.#peer.setLocalDescription(await this.#peer.createOffer());
    await gathered(this.#peer);
    const answer = await ask("whip", {
      method: "POST",
      headers: { "Content-Type": "application/sdp" },
      body: this.#peer.localDescription.sdp,
    });
    this.#resource = new URL(answer.headers.get("Location"), address("whip"));
    this.id = answer.headers.get("Call-Id");
    const sdp = await answer.text();
    if (this.#over) this.#release(); // hung up while it rang
    else await this.#peer.setRemoteDescription({ type: "answer", sdp });
  }

  mute(on) {
    for (const track of this.stream.getAudioTracks()) track.enabled = !on;
  }

  /** Send a key. Returns whether there was a way to. */
  press(key) {
    if (this.#sender.dtmf?.canInsertDTMF) this.#sender.dtmf.insertDTMF(key);
    else if (this.#events.readyState === "open") {
      this.#events.send(JSON.stringify({ type: "digit", key }));
    } else return false;
    return true;
  }

  /** The server ended the call: there is nothing to take back. */
  finished() {
    this.#resource = null;
  }

  /** End the call and let go of the microphone. May be called twice. */
  async hangUp() {
    if (this.#over) return;
    this.#over = true;
    for (const track of this.stream.getTracks()) track.stop();
    await this.#release(); // were the connection closed first, there would be no call to end any more
    this.#peer.close();
  }

  // `keepalive` lets it out of a page that is being closed.
  async #release() {
    if (this.#resource === null) return;
    const signal = AbortSignal.timeout(RELEASE_MS);
    const options = { method: "DELETE", credentials: "same-origin", keepalive: true, signal };
    const asked = fetch(this.#resource, options);
    this.#resource = null;
    await asked.catch(() => {}); // the closed connection ends the call too
  }
}

/** Whether the server answers at all. */
export async function reachable() {
  try {
    await ask("healthz", { cache: "no-store", signal: AbortSignal.timeout(3000) });
    return true;
  } catch (error) {
    return error instanceof Refused && error.status !== 0;
  }
}

function gathered(peer) {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((done) => {
    const timer = setTimeout(done, GATHERING_MS);
    peer.addEventListener("icegatheringstatechange", () => {
      if (peer.iceGatheringState !== "complete") return;
      clearTimeout(timer);
      done();
    });
  });
}
