import assert from "node:assert/strict";
import test from "node:test";

import { iceServers } from "../../../../gateway/http/console/iceservers.js";

test("servers of a Link header", () => {
  assert.deepEqual(iceServers(null), []);
  assert.deepEqual(iceServers('</next>; rel="next"'), []);
  const link =
    '<stun:stun.example>; rel="ice-server", <turns:turn.example:443?transport=tcp>; rel="ice-server";' +
    ' username="1:parley, a"; credential="a+b/c="; credential-type="password"';
  assert.deepEqual(iceServers(link), [
    { urls: "stun:stun.example" },
    { urls: "turns:turn.example:443?transport=tcp", username: "1:parley, a", credential: "a+b/c=" },
  ]);
});
