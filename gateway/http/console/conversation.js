// One call from the first click to the end: microphone, connection, words. Tells, in words, how it is.

import { Refused, oneCall } from "./api.js";
import { Meters } from "./meters.js";
import { Phone, microphone, reachable } from "./phone.js";
import { MediaClock } from "./time.js";
import { Transcript } from "./transcript.js";
import { ending, microphoneTrouble, refusal } from "./wording.js";

const CONNECT_MS = 20000; // longer than the server's own patience
const ANSWER_MS = 3000;
const GONE = "The server is gone. The call has ended.";
const LAST_SOUND_MS = 250; // the browser holds some sound back, against jitter
const OUTCOME_MS = 700; // the connection may close before its last event is read

/** Made for one call; `run()` ends with it. `on` is what the page offers it to show things with. */
export class Conversation {
  #on;
  #phone = null;
  #meters = null;
  #transcript = new Transcript();
  #clock = new MediaClock();
  #timers = [];
  #end;
  #ended = new Promise((done) => (this.#end = done));
  #connected = 0;
  #hungUp = false;
  #muted = false;

  constructor(on) {
    this.#on = on;
  }

  /** Returns `{text, id, length, status}`: how it ended in words, and samples of its length. */
  async run() {
    this.#on.view.show([]);
    let text = "";
    let status = null;
    try {
      text = await Promise.race([this.#held(), this.#ended]);
    } catch (error) {
      text = trouble(error);
      status = error instanceof Refused ? error.status : null;
    }
    const length = this.#connected ? Math.round((performance.now() - this.#connected) * 16) : 0;
    this.#close();
    return { text, id: this.#phone?.id ?? null, length, status };
  }

  async #held() {
    this.#on.say("Waiting for your microphone. Your browser may ask you to allow it.");
    const stream = await microphone();
    if (this.#hungUp) {
      for (const track of stream.getTracks()) track.stop();
      return "Ready to call";
    }
    this.#meters = new Meters();
    this.#meters.watch(stream, this.#on.meters.caller);
    stream.getAudioTracks()[0].onended = () => this.#on.say("The microphone was taken away. The bot cannot hear you.");
    this.#phone = new Phone(stream, {
      state: (name) => this.#state(name),
      heard: (far) => this.#heard(far),
      fact: (fact) => this.#fact(fact),
      closed: () => this.#closed(),
    });
    this.#phone.mute(this.#muted);
    this.#on.say("Calling…");
    await this.#phone.dial();
    if (this.#hungUp) return this.#ended;
    if (!this.#connected) this.#on.say("Connecting the sound…");
    this.#later(CONNECT_MS, () => {
      if (!this.#connected) this.#end("No way was found for the sound. A firewall may be between you and the server.");
    });
    return this.#ended;
  }

  hangUp() {
    this.#hungUp = true;
    this.#phone?.hangUp();
    this.#end("You hung up");
  }

  mute(on) {
    this.#muted = on;
    this.#phone?.mute(on);
    if (this.#connected) this.#well();
  }

  press(key) {
    return this.#phone?.press(key) ?? false;
  }

  #state(name) {
    if (name === "connected") {
      if (!this.#connected) this.#begin();
      this.#well();
    } else if (name === "disconnected") this.#lost();
    else if (name === "failed") {
      this.#why(this.#connected ? "The connection was lost" : "No way was found for the sound");
    }
  }

  #well() {
    this.#on.say(this.#muted ? "Connected. You are muted." : "Connected");
  }

  #begin() {
    this.#connected = performance.now();
    this.#on.connected();
    const tick = () => {
      const now = performance.now();
      this.#on.tick((now - this.#connected) * 16);
      this.#on.view.heardUntil(this.#clock.at(now));
    };
    this.#timers.push(() => clearInterval(timer));
    const timer = setInterval(tick, 100);
  }

  async #lost() {
    this.#on.say("The connection is interrupted. Trying to get it back…");
    if (!(await reachable())) this.#end(GONE);
  }

  // The last event may be lost with the connection; the server knows still how the call ended.
  async #why(otherwise) {
    try {
      const call = await oneCall(this.#phone.id, { signal: AbortSignal.timeout(ANSWER_MS) });
      if (call.outcome) this.#over(call.outcome);
      else this.#end(otherwise);
    } catch (error) {
      this.#end(error instanceof Refused && error.status ? otherwise : GONE);
    }
  }

  // The element plays it, or WebAudio would hear nothing of it in Chromium.
  #heard(stream) {
    this.#on.speaker.srcObject = stream;
    this.#on.speaker.play().catch(({ name }) => {
      if (name === "NotAllowedError") this.#on.say("The browser does not let this page play sound.");
    });
    this.#meters.watch(stream, this.#on.meters.bot);
  }

  #fact(fact) {
    const now = performance.now();
    this.#clock.heard(fact.at, now);
    this.#transcript.add(fact);
    this.#on.view.show(this.#transcript.lines());
    this.#on.view.heardUntil(this.#clock.at(now));
    if (fact.type === "outcome") this.#later(LAST_SOUND_MS, () => this.#over(fact));
  }

  #over(outcome) {
    this.#phone.finished();
    this.#end(ending(outcome));
  }

  #closed() {
    this.#later(OUTCOME_MS, () => this.#why("The call has ended"));
  }

  #later(ms, action) {
    const timer = setTimeout(action, ms);
    this.#timers.push(() => clearTimeout(timer));
  }

  #close() {
    for (const stop of this.#timers) stop();
    this.#phone?.hangUp();
    this.#meters?.stop();
    this.#on.speaker.srcObject = null;
    this.#on.view.show(this.#transcript.lines());
    this.#on.view.heardUntil(Infinity);
  }
}

function trouble(error) {
  if (error instanceof Refused) return refusal(error);
  if (error instanceof DOMException) return microphoneTrouble(error.name);
  return `The call could not be made: ${error.message}`;
}
