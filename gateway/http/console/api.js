// The server's answers, and what it says when it refuses (RFC 9457).

/** A refusal, or no answer at all: `status` is 0 then. `retryAfter` in seconds or null. */
export class Refused extends Error {
  constructor({ status, detail = "", retryAfter = null }) {
    super(detail || (status ? `The server answered ${status}.` : "The server does not answer."));
    Object.assign(this, { status, detail, retryAfter });
  }
}

/** Address of a path below this page, so that a proxy may serve it under a prefix. */
export function address(path) {
  return new URL(path, document.baseURI);
}

/** `fetch` that throws `Refused` for everything but success. */
export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(address(path), { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused({ status: 0 });
  }
  if (!answer.ok) throw await refused(answer);
  return answer;
}

async function refused(answer) {
  const after = Number.parseInt(answer.headers.get("Retry-After") ?? "", 10);
  const kind = answer.headers.get("Content-Type") ?? "";
  const problem = kind.includes("json") ? await answer.json().catch(() => ({})) : {};
  return new Refused({
    status: answer.status,
    // What the server says of a missing token is meant for programs.
    detail: answer.status === 401 ? "You have to sign in to see this." : problem.detail || problem.title || "",
    retryAfter: Number.isFinite(after) ? after : null,
  });
}

const json = async (path, options) => (await ask(path, options)).json();
const call = (id) => `v1/calls/${encodeURIComponent(id)}`;

/** A page of calls, newest first: `{calls, next}`. */
export const calls = (before, options) =>
  json(`v1/calls?limit=50${before ? `&before=${encodeURIComponent(before)}` : ""}`, options);

/** One call as call.json has it; a live one has `live`. */
export const oneCall = (id, options) => json(call(id), options);

/** The facts of a call; none while it runs, for the server keeps them back until then. */
export const timeline = (id, options) =>
  json(`${call(id)}/timeline`, options).catch((error) => {
    if (error.status === 409) return [];
    throw error;
  });

/** Where the sound and the captions of a call are. */
export const artefact = (id, name) => address(`${call(id)}/${name}`).href;

/** End a running call. */
export const hangUp = (id) => ask(call(id), { method: "DELETE" });

/** Trade a token for the cookie that this page is let in with. */
export const logIn = (token) =>
  ask("login", { method: "POST", headers: { Authorization: `Bearer ${token}` } });

/**
 * Facts as they happen, of the call `id` or of all: `take(fact)`. Returns what stops it. The
 * browser opens the stream anew when it breaks; `again()` is told that facts may be missing.
 */
export function follow({ id = null, take, again = () => {} }) {
  const only = id === null ? "" : `?call_id=${encodeURIComponent(id)}`;
  const source = new EventSource(address(`v1/events${only}`));
  let opened = false;
  source.onmessage = (event) => take(JSON.parse(event.data));
  source.addEventListener("dropped", again);
  source.onopen = () => {
    if (opened) again();
    opened = true;
  };
  return () => source.close();
}
