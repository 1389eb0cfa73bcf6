// The telephone of the page: call, mute, keys, hang up, and what both say.

import { Conversation } from "./conversation.js";
import { icon, make } from "./dom.js";
import { keypad } from "./keypad.js";
import { bar } from "./meters.js";
import { clock, spoken } from "./time.js";
import { TranscriptView } from "./transcriptview.js";

/**
 * Mounts the view on `root`, for as long as the page lives. `signIn()` resolves to whether the
 * server lets this page in; `running(on)` is told when a call begins and when it is over.
 */
export function callView(root, { signIn, running }) {
  const parts = build();
  const keys = keypad((key) => {
    if (!talk?.press(key)) parts.say("Keys cannot be sent in this call.");
  });
  keys.element.hidden = true;
  parts.controls.after(keys.element);
  let talk = null;

  async function call() {
    parts.busy();
    running(true);
    talk = new Conversation({
      say: parts.say,
      meters: parts.meters,
      speaker: parts.speaker,
      view: parts.transcript,
      connected: parts.talking,
      tick: parts.tick,
    });
    const ended = await talk.run();
    talk = null;
    running(false);
    keys.element.hidden = true;
    parts.keys.setAttribute("aria-expanded", "false");
    parts.idle(ended);
    if (ended.status === 401 && (await signIn())) call();
  }

  parts.call.onclick = call;
  parts.hangUp.onclick = () => talk?.hangUp();
  parts.mute.onclick = () => {
    const muted = parts.mute.getAttribute("aria-pressed") !== "true";
    talk?.mute(muted);
    parts.muted(muted);
  };
  parts.keys.onclick = () => {
    keys.element.hidden = !keys.element.hidden;
    parts.keys.setAttribute("aria-expanded", String(!keys.element.hidden));
  };
  addEventListener("keydown", (event) => root.hidden || keys.type(event));
  addEventListener("pagehide", () => talk?.hangUp());
  root.append(parts.element);
}

function round(name, label, kind) {
  const attributes = { type: "button", class: `round ${kind}` };
  return make("button", attributes, icon(name), make("span", {}, label));
}

function build() {
  const call = round("phone", "Call", "go");
  const mute = round("microphone", "Mute", "quiet");
  const keys = round("keypad", "Keypad", "quiet");
  const hangUp = round("hang-up", "Hang up", "stop");
  mute.setAttribute("aria-pressed", "false");
  keys.setAttribute("aria-expanded", "false");
  keys.setAttribute("aria-controls", "keypad");
  const controls = make("div", { class: "controls" }, mute, hangUp, keys);
  const status = make("p", { class: "status", role: "status" }, "Ready to call");
  const timer = make("p", { class: "timer", role: "timer", "aria-live": "off" }, "0:00");
  const after = make("p", { class: "after" });
  const meters = { caller: bar("caller"), bot: bar("bot") };
  const levels = make("div", { class: "levels" },
    make("span", {}, "You"), meters.caller, make("span", {}, "Bot"), meters.bot);
  const speaker = make("audio", { autoplay: true });
  const transcript = new TranscriptView({
    live: true, names: { caller: "You", bot: "Bot" }, empty: "What you and the bot say appears here.",
  });
  const phone = make("section", { class: "phone", "aria-label": "Telephone" },
    status, timer, call, controls, levels, after, speaker);
  const heading = make("h2", {}, "Conversation");
  const side = make("section", { class: "said-so-far", "aria-label": "Conversation" }, heading, transcript.element);
  const title = make("h1", { class: "unseen", tabindex: "-1" }, "Call");
  const element = make("div", { class: "call-view" }, title, phone, side);
  const parts = { element, call, mute, keys, hangUp, controls, meters, speaker, transcript };
  return { ...parts, ...states({ ...parts, status, timer, levels, after }) };
}

function states({ call, mute, hangUp, controls, levels, status, timer, after }) {
  const say = (text) => {
    if (status.textContent !== text) status.textContent = text;
  };
  const muted = (on) => {
    mute.setAttribute("aria-pressed", String(on));
    mute.firstChild.replaceWith(icon(on ? "microphone-off" : "microphone"));
  };
  const shown = (running) => {
    call.hidden = running;
    controls.hidden = !running;
    levels.hidden = !running;
    timer.hidden = !running;
  };
  shown(false);
  return {
    say,
    muted,
    busy() {
      shown(true);
      muted(false);
      after.replaceChildren();
      timer.textContent = "0:00";
      hangUp.focus();
    },
    talking() {
      timer.classList.add("running");
    },
    tick(samples) {
      timer.textContent = clock(samples);
    },
    /** `ended` is `{text, id, length}`; a call that came about has an `id`. */
    idle(ended) {
      const ours = controls.contains(document.activeElement); // hiding it would lose the place
      shown(false);
      timer.classList.remove("running");
      say(ended.text);
      if (ours) call.focus();
      if (!ended.id) return;
      const href = `#/calls/${encodeURIComponent(ended.id)}`;
      const length = ended.length ? `It took ${spoken(ended.length)}. ` : "";
      after.replaceChildren(length, make("a", { href }, "Listen to this call"));
    },
  };
}
