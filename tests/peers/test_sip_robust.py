"""What strangers send: offers that cannot be met, none at all, too many; and calls that break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.errors import LegError
from gateway.legs.base import Leg, LegEvent
from gateway.legs.sipsettings import WorkerSettings
from gateway.offers import Offer
from gateway.outcome import Outcome
from media.clock import LoopClock
from media.playout import FrameSource, Played
from tests.gateway.calls import check
from tests.peers.aftermath import full_house, nobody_left, still_well
from tests.peers.counts import count
from tests.peers.exchange import Exchange, exchange, free_port, hardened
from tests.peers.message import request, sdp
from tests.peers.softphone import RATE, Softphone, pitch, tone
from tests.peers.stranger import Stranger

pytestmark = [
    pytest.mark.peers,
    pytest.mark.alone,
    pytest.mark.live,
    pytest.mark.skipif(find_spec("pjsua2") is None, reason="no pjsua2 is installed"),
]
dies = pytest.mark.skipif(
    not hardened(), reason="the wheel dies of it: measured, hence make pjsua2"
)

FINGERPRINT = ("a=setup:actpass", "a=fingerprint:sha-256 " + ":".join(["AB"] * 32))
KEYS = ("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40,)
SECURE = [
    (b"UDP/TLS/RTP/SAVPF", (*FINGERPRINT, "a=ice-ufrag:abcd", "a=ice-pwd:" + "p" * 22)),
    (b"UDP/TLS/RTP/SAVP", FINGERPRINT),
    (b"UDP/TLS/RTP/SAVPF", ()),
    (b"UDP/TLS/RTP/SAVP", KEYS),
    (b"RTP/SAVPF", FINGERPRINT),
    (b"RTP/SAVP", KEYS),
    (b"RTP/SAVP", (*FINGERPRINT, *KEYS)),
    (b"RTP/SAVP", ()),
]


@pytest.fixture
def settings() -> WorkerSettings:
    return WorkerSettings(port=free_port(), calls=8 if hardened() else 4, media_timeout_s=2.0)


async def test_an_invite_without_an_offer_is_answered_with_one(
    gateway: Exchange, phone: Softphone
) -> None:
    phone.invite(body="")
    assert "m=audio" in await phone.until(200)
    phone.ack(phone.sdp())
    phone.talk()
    phone.to_say = tone(1_000, seconds=2)
    await asyncio.sleep(2.5)
    phone.bye()
    assert await gateway.outcome() == "caller-left"
    assert pitch(phone.heard()) == pytest.approx(1_000, abs=1)


async def test_an_invite_without_an_offer_can_be_refused(
    gateway: Exchange, phone: Softphone, settings: WorkerSettings
) -> None:
    gateway.refuse = (486, "Busy Here", 0)
    phone.invite(body="")
    await phone.until(486)
    await still_well(gateway, settings)


async def test_no_codec_in_common(
    gateway: Exchange, phone: Softphone, settings: WorkerSettings
) -> None:
    phone.invite(body=phone.sdp().replace("AVP 0 101", "AVP 18").replace("0 PCMU", "18 G729"))
    await phone.until(488)
    await still_well(gateway, settings)


async def test_offers_of_encryption_are_refused_and_survived(
    gateway: Exchange, settings: WorkerSettings
) -> None:
    stranger = await Stranger(("127.0.0.1", settings.port)).open()
    for number in range(count(30, 300)):
        profile, more = SECURE[number % len(SECURE)]
        offer = sdp(more=more).replace(b"RTP/AVP", profile)
        assert await invited(stranger, number, offer) == 488, profile
    await stranger.close()
    assert not gateway.offers
    await full_house(gateway, settings)
    await still_well(gateway, settings)


async def invited(stranger: Stranger, number: int, offer: bytes) -> int | None:
    """How a call with ``offer`` is answered; a refusal is acknowledged."""
    name = f"offer{number}@{stranger.here[1]}"
    invite = request("INVITE", here=stranger.here, call_id=name, number=number + 1, body=offer)
    await stranger.send(invite.wire())
    return await stranger.until(name, within_s=4)


@dies
@pytest.mark.parametrize("offering", [True, False])
async def test_a_burst_of_refused_calls(
    gateway: Exchange, settings: WorkerSettings, offering: bool
) -> None:
    gateway.refuse = (503, "Full", 5)
    many, per_s = count(100, 400), 200
    clock, server = LoopClock(asyncio.get_running_loop()), ("127.0.0.1", settings.port)
    phones = [await Softphone(server, name=f"caller{n}").open() for n in range(many)]
    began = clock.now()
    for number, phone in enumerate(phones):
        phone.invite(body=None if offering else "")
        await clock.sleep_until(began + number / per_s)
    codes = [await phone.final() for phone in phones]
    for phone in phones:
        await phone.close()
    assert set(codes) <= {503, 486}  # 486: more at once than the worker carries
    assert codes.count(503) > many // 2
    await full_house(gateway, settings)
    await still_well(gateway, settings)


async def test_an_answer_that_is_never_acknowledged_gives_its_place_back(
    gateway: Exchange, settings: WorkerSettings
) -> None:
    stranger = await Stranger(("127.0.0.1", settings.port)).open()
    codes = [await invited(stranger, number, sdp()) for number in range(settings.calls)]
    assert codes == [200] * settings.calls
    assert gateway.seats_free == gateway.seats - settings.calls
    await nobody_left(gateway)
    outcomes = {await gateway.outcome(number) for number in range(settings.calls)}
    assert outcomes == {"carrier/signalling-lost"}
    await stranger.close()
    await full_house(gateway, settings)
    await still_well(gateway, settings)


@pytest.mark.parametrize("body", ["", "v=0\r\n"])
async def test_an_acknowledgement_without_an_answer_ends_the_call(
    gateway: Exchange, phone: Softphone, settings: WorkerSettings, body: str
) -> None:
    phone.invite(body="")
    await phone.until(200)
    phone.ack(body)
    await nobody_left(gateway)
    await still_well(gateway, settings)


@pytest.mark.parametrize("offer", ["m=audio 0 RTP/AVP 0", "m=video 4000 RTP/AVP 99"])
async def test_a_call_whose_sound_is_taken_away_ends(
    gateway: Exchange, phone: Softphone, settings: WorkerSettings, offer: str
) -> None:
    await phone.connect()
    await asyncio.sleep(0.3)
    before, _, after = phone.sdp().partition("m=audio")
    rest = (
        after.partition("\r\n")[2] if offer.startswith("m=audio") else "a=rtpmap:99 H264/90000\r\n"
    )
    phone.invite(body=f"{before}{offer}\r\n{rest}")
    if await phone.final() == 200:
        phone.ack()
    phone.mute = True
    await nobody_left(gateway)
    await still_well(gateway, settings)


async def test_octets_that_are_no_text_reach_nobody(
    gateway: Exchange, settings: WorkerSettings
) -> None:
    stranger = await Stranger(("127.0.0.1", settings.port)).open()
    invite = request("INVITE", here=stranger.here, call_id="octets", body=sdp())
    odd = invite.put("P-Asserted-Identity", "\udcff\udcfe <sip:1@127.0.0.1>")
    await stranger.send(odd.wire())
    assert await stranger.until("octets", within_s=4) == 200
    identity = gateway.offers[0].facts["p-asserted-identity"]
    assert identity.endswith("<sip:1@127.0.0.1>")
    identity.encode()  # would raise
    await nobody_left(gateway)
    await stranger.close()
    await still_well(gateway, settings)


async def test_a_call_outlives_those_whose_places_are_taken_again(
    tmp_path: Path, settings: WorkerSettings
) -> None:
    server = ("127.0.0.1", settings.port)
    async with exchange(tmp_path, settings=replace(settings, calls=2)) as gateway:
        for number in range(2):
            phone = await Softphone(server, name=f"short{number}").open()
            await phone.connect()
            phone.bye()
            assert await gateway.outcome(number) == "caller-left"
            await phone.close()
        phone = await Softphone(server, name="long").open()
        await phone.connect()
        await asyncio.sleep(7)  # the library forgets an ended call after five
        assert not phone.requests
        phone.bye()
        assert await gateway.outcome(2) == "caller-left"
        await phone.close()


# ---- a call that breaks --------------------------------------------------------------------


class Broken:
    """A leg that raises after a second: in its events, or from inside what is pulled of it."""

    def __init__(self, leg: Leg, error: Exception, *, pulled: bool) -> None:
        self._leg, self._error, self._pulled = leg, error, pulled
        self.rate: int = leg.rate
        self.facts: Mapping[str, str] = leg.facts
        self.figures: Mapping[str, Any] = leg.figures

    async def events(self) -> AsyncIterator[LegEvent]:
        number = 0
        async for event in self._leg.events():
            yield event
            number += 1
            if number == 100 and not self._pulled:
                raise self._error

    async def answer(self, source: FrameSource) -> None:
        await self._leg.answer(_BrokenSource(source, self._error) if self._pulled else source)

    async def hangup(self, outcome: Outcome) -> None:
        await self._leg.hangup(outcome)


class _BrokenSource:
    def __init__(self, source: FrameSource, error: Exception) -> None:
        self._source, self._error, self._pulls = source, error, 0

    def pull(self) -> Played:
        self._pulls += 1
        if self._pulls > 50:
            raise self._error
        return self._source.pull()


@pytest.mark.parametrize(
    ("error", "pulled", "outcome"),
    [
        (LegError(leg="sip", why="a test"), False, "carrier/leg-failed"),
        (RuntimeError("a test"), False, "gateway/unexpected"),
        (RuntimeError("a test"), True, "gateway/unexpected"),
    ],
)
async def test_a_call_that_breaks_is_not_heard_in_another(
    gateway: Exchange,
    settings: WorkerSettings,
    error: Exception,
    pulled: bool,
    outcome: str,
) -> None:
    def leg_of(offer: Offer) -> Leg:
        if len(gateway.offers) == 1:
            return offer.leg()
        return Broken(offer.leg(), error, pulled=pulled)

    gateway.leg_of = leg_of
    server = ("127.0.0.1", settings.port)
    well, ill = [await Softphone(server, name=name).open() for name in ("well", "ill")]
    await well.connect()
    well.to_say = tone(1_000, seconds=6)
    await asyncio.sleep(1)
    await ill.connect()
    await ill.until_asked("BYE")
    assert await gateway.outcome(1) == outcome
    await asyncio.sleep(1)
    well.bye()
    assert await gateway.outcome(0) == "caller-left"
    check(gateway.folder(0))
    loud = np.abs(well.heard().astype(np.int32)) > 100
    run = loud[int(np.argmax(loud)) :]
    assert len(run) > 2 * RATE
    quiet = np.flatnonzero(~run)
    assert longest_run(quiet) < 0.02 * RATE, "the tone of the other call has a hole"
    assert pitch(well.heard()) == pytest.approx(1_000, abs=1)
    for phone in (well, ill):
        await phone.close()


def longest_run(places: np.ndarray) -> int:
    """Of neighbouring numbers, in ascending ``places``."""
    if not len(places):
        return 0
    return max(len(run) for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1))
