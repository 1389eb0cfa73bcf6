"""Runs a scenario with SIPp (Debian: ``sip-tester``) and tells what went to and fro."""

from __future__ import annotations

import asyncio
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from gateway.ports import bracketed
from tests.peers.exchange import free_port
from tests.peers.sipp.scenario import Scenario

MOST_S = 30
_MESSAGE = re.compile(r"^-+ \d{4}-.*\n\S+ message (sent|received).*\n\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a dialogue; ``ours`` is what SIPp sent. Lines end with a bare newline."""

    ours: bool
    text: str

    @property
    def first(self) -> str:
        """Its first line."""
        return self.text.partition("\n")[0]


def has_sipp() -> bool:
    """Whether it is installed."""
    return shutil.which("sipp") is not None


async def sipp(
    scenario: Scenario,
    *,
    folder: Path,
    port: int,
    host: str = "127.0.0.1",
    remote: str = "",
    transport: str = "u1",
    callee: str = "4711",
    calls: int = 1,
) -> list[Message]:
    """Play it ``calls`` times at once; fails if a step does not come as written.

    From ``host`` against ``remote``, the same by default. Files that are played are looked for in
    ``folder``. ``transport`` is SIPp's word: ``u1``, ``t1``.
    """
    (folder / "scenario.xml").write_text(scenario.xml(), encoding="utf-8")
    log = folder / "messages.log"
    log.unlink(missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        *("sipp", "-sf", "scenario.xml", f"{bracketed(remote or host)}:{port}", "-s", callee),
        *("-i", host, "-p", str(free_port()), "-mi", host, "-mp", str(_rtp_port())),
        *("-t", transport, "-m", str(calls), "-l", str(calls), "-r", str(max(calls, 5))),
        *("-nostdin", "-timeout", str(MOST_S), "-timeout_error", "-recv_timeout", "8000"),
        *("-trace_msg", "-message_file", str(log)),
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    messages = _messages(log.read_text(encoding="utf-8", errors="replace")) if log.exists() else []
    assert process.returncode == 0, _complaint(said, messages)
    return messages


def replies(messages: list[Message], method: str) -> list[Message]:
    """What the other side replied to ``method``, provisional replies left out."""
    return [
        message
        for message in messages
        if not message.ours
        and re.match(r"SIP/2.0 [2-6]", message.text)
        and re.search(rf"^CSeq:\s*\d+ {method}$", message.text, re.MULTILINE | re.IGNORECASE)
    ]


def field(message: Message, name: str) -> str:
    """The value of its header field ``name``, in full; empty without one."""
    found = re.search(rf"^{name}:\s*(.*)$", message.text, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else ""


def _messages(log: str) -> list[Message]:
    parts = _MESSAGE.split(log.replace("\r\n", "\n"))[1:]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return [Message(who == "sent", text.rstrip("\n") + "\n") for who, text in pairs]


def _rtp_port() -> int:
    """SIPp takes this port and some after it for media."""
    return free_port() & ~1


def _complaint(said: bytes, messages: list[Message]) -> str:
    lines = [("> " if message.ours else "< ") + message.first for message in messages]
    return "\n".join([*lines, said.decode(errors="replace")[-1500:]])
