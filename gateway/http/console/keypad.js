// The twelve keys of a telephone, for the mouse, for touch and for a keyboard.

import { make } from "./dom.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"];
const NAMES = { "*": "star", "#": "hash" };

/** `press(key)` is told each key. Returns `{element, type(event)}`; `type` takes a keydown. */
export function keypad(press) {
  const buttons = new Map(KEYS.map((key) => [key, make("button", {
    type: "button", class: "key", "aria-label": NAMES[key] ?? key, onclick: () => press(key),
  }, key)]));
  const attributes = { id: "keypad", class: "keypad", role: "group", "aria-label": "Keypad" };
  const element = make("div", attributes, ...buttons.values());
  const type = (event) => {
    const modified = event.ctrlKey || event.metaKey || event.altKey;
    const button = buttons.get(event.key);
    if (modified || event.repeat || !button || element.hidden) return;
    event.preventDefault();
    button.classList.add("pressed");
    setTimeout(() => button.classList.remove("pressed"), 150);
    press(event.key);
  };
  return { element, type };
}
