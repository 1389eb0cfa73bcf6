// Which view is shown: the part of the address after `#`.

import { callView } from "./callview.js";
import { listView } from "./listview.js";
import { loginOf } from "./login.js";
import { recordView } from "./recordview.js";

const telephone = document.querySelector("#telephone");
const view = document.querySelector("#view");
const links = [...document.querySelectorAll("nav a")];
const signIn = loginOf(document.querySelector("#login"));
let unmount = () => {};
let first = true;

// A view that was refused for want of a token is shown anew once there is one.
async function failed(error) {
  if (error.status === 401 && (await signIn())) show();
}

// A call goes on while other views are looked at: the telephone is hidden then, not taken away.
function show() {
  unmount();
  unmount = () => {};
  view.replaceChildren();
  const [, place, id] = location.hash.split("/");
  const calls = place === "calls";
  telephone.hidden = calls;
  if (calls && id) unmount = recordView(view, { id: decodeURIComponent(id), failed });
  else if (calls) unmount = listView(view, { failed });
  for (const link of links) {
    if (link.getAttribute("href") === (calls ? "#/calls" : "#/")) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const heading = (calls ? view : telephone).querySelector("h1");
  document.title = `${heading.textContent} · Parley`;
  if (!first) heading.focus(); // a screen reader hears where it is
  first = false;
}

callView(telephone, {
  signIn,
  running: (on) => {
    links[0].classList.toggle("running", on);
    links[0].title = on ? "A call is running" : "";
  },
});
addEventListener("hashchange", show);
show();
