// Making elements, without a framework.

/**
 * An element: `make("button", {class: "quiet", onclick: f, "aria-pressed": "false"}, "Mute")`.
 * Text is always text, never markup. A false, null or undefined attribute or child is left out.
 */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => (child ?? false) !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** One of the drawings at the head of the page; it says nothing to a screen reader. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${name}`);
  drawing.append(use);
  return drawing;
}

/** Whether the person wants little to move. */
export function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
