"""Who may send to the port of a call, and how much."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from gateway.legs.webrtcgate import BURST, LONGEST, PER_SECOND, Gate

CALLER, STRANGER = ("192.0.2.1", 4_000), ("192.0.2.2", 4_000)
STUN, SOUND = bytes([0, 1]) + bytes(18), b"\x80" + bytes(50)


class Port:
    """A connection of the library, with one port; ``stun`` and ``data`` are what it was given."""

    def __init__(self) -> None:
        self.stun: list[bytes] = []
        self.data: list[bytes] = []
        self.now = 0.0
        self.protocol = SimpleNamespace(
            local_candidate=SimpleNamespace(component=1),
            datagram_received=lambda data, addr: self.stun.append(data),
        )
        self.connection: Any = SimpleNamespace(
            data_received=lambda data, component: self.data.append(data),
            get_component_candidates=self.gather,
            _protocols=[self.protocol],
            _check_list=[SimpleNamespace(remote_addr=CALLER)],
        )
        self.gate = Gate(self.connection, lambda: self.now)

    async def gather(self, *, component: int, addresses: list[str]) -> list[str]:
        return addresses

    async def open(self) -> Port:
        self.gate.keep()
        found = await self.connection.get_component_candidates(component=1, addresses=["a"])
        assert found == ["a"]
        return self

    def send(self, data: bytes, addr: tuple[Any, ...] = CALLER) -> None:
        self.protocol.datagram_received(data, addr)


async def test_only_who_was_named_or_proved_to_be_the_caller_is_heard() -> None:
    port = await Port().open()
    port.send(SOUND)
    port.send(SOUND, STRANGER)
    assert port.data == [SOUND]
    port.send(STUN, STRANGER)  # anybody may prove it
    assert port.stun == [STUN]
    port.connection._check_list.append(SimpleNamespace(remote_addr=STRANGER))
    port.send(SOUND, (*STRANGER, 0, 0))
    assert port.data == [SOUND, SOUND]
    assert port.gate.dropped == 1


async def test_what_no_way_carries_is_dropped() -> None:
    port = await Port().open()
    for data in (b"", b"\x80" * (LONGEST + 1)):
        port.send(data)
    assert port.data == []
    assert port.gate.dropped == 2
    port.connection.data_received(b"\x00", 1)  # as the library says of STUN that is none
    assert port.data == []


async def test_no_more_is_heard_than_a_call_can_need() -> None:
    port = await Port().open()
    for _ in range(10 * BURST):
        port.send(SOUND)
    assert len(port.data) == BURST
    port.now = 1.0
    for _ in range(10 * BURST):
        port.send(SOUND)
    assert len(port.data) == BURST + PER_SECOND
    port.send(STUN)  # consent to go on is not part of it
    assert port.stun == [STUN]
