// Asks for the token when the server wants one.

import { logIn } from "./api.js";

/** `signIn()` shows the form and resolves to whether the server lets this page in now. */
export function loginOf(dialog) {
  const form = dialog.querySelector("form");
  const field = form.elements.token;
  const said = dialog.querySelector("[role=alert]");
  let waiting = null;

  function signIn() {
    waiting ??= new Promise((done) => {
      said.textContent = "";
      dialog.showModal();
      field.focus();
      dialog.onclose = () => {
        waiting = null;
        done(dialog.returnValue === "in");
      };
      dialog.returnValue = "";
    });
    return waiting;
  }

  form.onsubmit = async (event) => {
    event.preventDefault();
    try {
      await logIn(field.value.trim());
      field.value = "";
      dialog.close("in");
    } catch (error) {
      said.textContent = error.status === 401 || error.status === 403
        ? "The server does not know this token." : error.message;
      field.select();
    }
  };
  dialog.querySelector("[data-cancel]").onclick = () => dialog.close("");
  return signIn;
}
