// What happened, in words for people. Pure.

const ENDINGS = {
  "none/caller-left": "The caller hung up",
  "none/goodbye": "The bot said goodbye and hung up",
  "none/hung-up": "Ended from the console or by a program",
  "none/transfer": "Handed over to a person",
  "none/no-input": "The caller said nothing for long",
  "none/longest-call": "The longest time allowed was reached",
  "caller/media-silent": "No more sound came from the caller",
  "caller/ice-failed": "No way was found for the sound",
  "carrier/rejected": "The far end did not take the call",
  "carrier/no-answer": "Nobody answered",
  "carrier/signalling-lost": "The connection to the far end broke",
  "carrier/leg-failed": "The far end failed",
  "bot/engine-lost": "The bot’s engine was lost",
  "bot/engine-error": "The bot’s engine failed in this call",
  "bot/decayed": "The bot’s model lost its way",
  "bot/no-free-seat": "All lines were busy",
  "gateway/stopped": "The gateway was stopped",
  "gateway/killed": "The gateway died during the call",
  "gateway/sip-worker-lost": "The process that carried the call was lost",
  "gateway/no-recording": "The call could not be recorded",
  "gateway/unexpected": "A fault of the gateway",
};

/** How a call ended, as a sentence without a full stop. */
export function ending(outcome) {
  if (!outcome) return "Not ended";
  const key = `${outcome.fault}/${outcome.reason}`;
  return ENDINGS[key] ?? (outcome.fault === "none" ? outcome.reason : key);
}

/** Why there is no microphone, from what `getUserMedia` threw. */
export function microphoneTrouble(name) {
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return "The browser does not let this page use the microphone. Allow it in the site’s settings, beside the address, and call again.";
    case "NotFoundError":
    case "OverconstrainedError":
      return "No microphone was found. Connect one and call again.";
    case "NotReadableError":
    case "AbortError":
      return "The microphone cannot be used; another program may hold it. Close that and call again.";
    case "InsecureContext":
      return "Browsers give the microphone to pages over HTTPS or on this machine only. Open this page over HTTPS.";
    default:
      return `The microphone could not be opened (${name}).`;
  }
}

/** Why the server did not take a call, from its answer. `retryAfter` in seconds or null. */
export function refusal({ status, detail, retryAfter }) {
  const said = detail ? ` The server says: ${detail}` : "";
  switch (status) {
    case 0:
      return "The server does not answer. Is it still running?";
    case 401:
      return "You have to sign in before you can call.";
    case 403:
      return `This server does not let you call.${said}`;
    case 404:
      return "This server takes no calls from browsers.";
    case 429:
    case 503:
      return `All lines are busy. Try again ${waiting(retryAfter)}.${said}`;
    default:
      return `The server did not take the call (${status}).${said}`;
  }
}

function waiting(retryAfter) {
  if (!retryAfter) return "in a moment";
  return retryAfter === 1 ? "in a second" : `in ${retryAfter} seconds`;
}
