"""Digest as a registrar sees it (RFC 7616): the challenge, and whether its answer is right."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


@dataclass(frozen=True)
class Account:
    """Who may register, and how that is asked."""

    user: str = "42"
    password: str = "open sesame"
    realm: str = "pbx.test"
    algorithm: str = "MD5"
    nonce: str = "8d5f"

    def challenge(self) -> str:
        """The value of ``WWW-Authenticate``."""
        return (
            f'Digest realm="{self.realm}", nonce="{self.nonce}", algorithm={self.algorithm},'
            ' qop="auth"'
        )

    def knows(self, request: str) -> bool:
        """Whether the answer to the challenge is the right one (RFC 7616 §3.4.1)."""
        given = field(request, "(?:Proxy-)?Authorization")
        parts = dict(re.findall(r'(\w+)="?([^",]*)"?', given))
        if not parts:
            return False

        def digest(text: str) -> str:
            return HASHES[self.algorithm](text.encode()).hexdigest()

        method = request.split()[0]
        secret = digest(f"{self.user}:{self.realm}:{self.password}")
        asked = digest(f"{method}:{parts['uri']}")
        middle = f"{self.nonce}:{parts['nc']}:{parts['cnonce']}:auth"
        return bool(parts["response"] == digest(f"{secret}:{middle}:{asked}"))


def field(text: str, name: str) -> str:
    """The first value of a header field."""
    found = re.search(rf"^{name}:\s*(.*?)\r?$", text, re.M | re.I)
    return found[1] if found else ""
