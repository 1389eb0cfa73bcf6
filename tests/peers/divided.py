"""Two networks that do not reach each other, and what stands between them: this test.

A gateway is in the one, a caller in the other. Both reach one address of ours, and there is no
route from the one to the other, so that whatever gets through has been relayed.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.peers.apart import apart, can_be_apart

# Of RFC 2544, for benchmarks: nobody's.
BETWEEN, GATEWAY, CALLER = "198.18.1.1", "198.18.1.2", "198.18.2.2"
BEFORE_CALLER = "198.18.2.1"


@dataclass(frozen=True, slots=True)
class Divided:
    """What is put before a command to run it on the side of the gateway, or of the caller."""

    gateway: Sequence[str]
    caller: Sequence[str]

    def cut(self) -> None:
        """The caller's wire breaks."""
        _ip("link set parley-c down")


def can_be_divided() -> bool:
    """Whether this machine lets us: links between namespaces are made by root."""
    return os.geteuid() == 0 and can_be_apart()


@asynccontextmanager
async def divided() -> AsyncIterator[Divided]:
    """They last as long."""
    async with apart() as gateway, apart() as caller:
        _link("parley-g", gateway, here=BETWEEN, there=GATEWAY)
        _link("parley-c", caller, here=BEFORE_CALLER, there=CALLER)
        _ip(f"route add {BETWEEN} via {BEFORE_CALLER}", within=caller)
        try:
            yield Divided(gateway, caller)
        finally:  # a namespace may outlive its last process by a moment
            _ip("link delete parley-g")
            _ip("link delete parley-c")


def _link(name: str, side: Sequence[str], *, here: str, there: str) -> None:
    pid = next(word.removeprefix("--target=") for word in side if word.startswith("--target="))
    _ip(f"link add {name} type veth peer name eth0 netns {pid}")
    _ip(f"address add {here}/24 dev {name}")
    _ip(f"link set {name} up")
    _ip(f"address add {there}/24 dev eth0", within=side)
    _ip("link set eth0 up", within=side)


def _ip(words: str, *, within: Sequence[str] = ()) -> None:
    subprocess.run([*within, "ip", *words.split()], check=True)
