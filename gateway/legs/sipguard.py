"""Which digest challenges are answered: a stranger who gets an answer may guess passwords by it.

Whoever we call, or calls us, can challenge any request of ours (401, 407), in the name of our own
registrar, and try passwords on what we answer for as long as he likes. So an answer goes only to
the registrar or the proxy themselves, and only for what these have reason to ask.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from gateway.legs import sipmessage

# A BYE or an INFO that is refused does no harm, and is what an attacker would challenge.
METHODS = frozenset({"REGISTER", "INVITE", "UPDATE"})
_REALM = re.compile(r'\brealm\s*=\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_DIGEST = re.compile(r"^\s*digest\s", re.IGNORECASE)


def may_answer(response: str, *, source: str, trusted: Collection[str], realm: str) -> bool:
    """Whether the challenge of ``response`` (its text) may be answered.

    ``source`` is the address it came from, ``trusted`` those of registrar and proxy, ``realm``
    the configured one, ``*`` for any. One challenge that fits is enough: the library answers
    those it has credentials for.
    """
    if source not in trusted:
        return False
    fields = sipmessage.parse(response).fields
    method = fields.get("cseq", ("",))[0].rpartition(" ")[2]
    if method not in METHODS:
        return False
    challenges = fields.get("www-authenticate", ()) + fields.get("proxy-authenticate", ())
    return any(_fits(challenge, realm) for challenge in challenges)


def host_of(address: str) -> str:
    """The address alone, of ``address:port`` or ``[address]:port``."""
    return address.rpartition(":")[0].strip("[]")


def _fits(challenge: str, realm: str) -> bool:
    found = _REALM.search(challenge)
    if found is None or not _DIGEST.match(challenge):
        return False
    return realm == "*" or found[1] == realm
