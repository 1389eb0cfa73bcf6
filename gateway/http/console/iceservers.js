// STUN and TURN servers as the gateway lends them (RFC 9725, section 4.6).

import { ask } from "./api.js";

const LINK = /<([^>]*)>((?:\s*;\s*[\w-]+="[^"]*")*)/g;
const PARAMETER = /([\w-]+)="([^"]*)"/g;

/** For `RTCPeerConnection`, from the `Link` header; none of another kind. */
export function iceServers(link) {
  const found = [];
  for (const [, urls, told] of (link ?? "").matchAll(LINK)) {
    const { rel, username, credential } = Object.fromEntries(
      [...told.matchAll(PARAMETER)].map(([, name, value]) => [name, value]),
    );
    if (rel === "ice-server") found.push(credential ? { urls, username, credential } : { urls });
  }
  return found;
}

/** Those of the gateway. They must be known before the offer, for it names the addresses found. */
export async function lent() {
  const answer = await ask("whip", { method: "OPTIONS", cache: "no-store" });
  return iceServers(answer.headers.get("Link"));
}
