"""Our own addresses: which are gathered, and what is said of servers that give none."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest
from aioice import Candidate, Connection

from gateway.legs import webrtcice
from gateway.legs.webrtcice import gather_from

pytestmark = pytest.mark.live
Address = tuple[str, int]


@pytest.fixture
def mute() -> Iterator[Address]:
    """A port that answers nothing."""
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        yield one.getsockname()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtcice, "GATHER_S", 0.05)
    monkeypatch.setattr(webrtcice, "WHY_S", 0.05)


async def gathered(connection: Connection, *, host: str = "127.0.0.1") -> list[Candidate]:
    gather_from(connection, host=host)
    await connection.gather_candidates()
    found = connection.local_candidates
    await connection.close()
    return found


async def test_the_one_address_is_gathered_and_no_other() -> None:
    (one,) = await gathered(Connection(ice_controlling=False))
    assert (one.host, one.type) == ("127.0.0.1", "host")


async def test_no_loopback_where_all_addresses_are_asked_for() -> None:
    found = await gathered(Connection(ice_controlling=False), host="0.0.0.0")
    assert all(one.host != "127.0.0.1" for one in found)


async def test_a_stun_server_that_does_not_answer_is_said(
    mute: Address, caplog: pytest.LogCaptureFixture
) -> None:
    (one,) = await gathered(Connection(ice_controlling=False, stun_server=mute))
    assert one.type == "host"
    (said,) = caplog.messages
    assert said == f"webrtc.ice_servers: no address from stun:127.0.0.1:{mute[1]}: no answer"


async def test_a_turn_server_that_does_not_answer_is_said(
    mute: Address, caplog: pytest.LogCaptureFixture
) -> None:
    connection = Connection(
        ice_controlling=False, turn_server=mute, turn_username="u", turn_password="open sesame"
    )
    (one,) = await gathered(connection)
    assert one.type == "host"
    (said,) = caplog.messages
    assert said == f"webrtc.ice_servers: no relay at turn:127.0.0.1:{mute[1]}: no answer"


async def test_a_turn_server_that_is_not_there_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody: Address = free.getsockname()
        connection = Connection(
            ice_controlling=False,
            turn_server=nobody,
            turn_username="u",
            turn_password="open sesame",
            turn_transport="tcp",
        )
        await gathered(connection)
    (said,) = caplog.messages
    assert said.startswith(f"webrtc.ice_servers: no relay at turn:127.0.0.1:{nobody[1]}: ")
    assert "refused" in said.lower() or "Connect call failed" in said
    assert asyncio.all_tasks() == {asyncio.current_task()}
