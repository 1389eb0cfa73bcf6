"""What ``/healthz`` and ``/readyz`` answer, over a real socket on loopback."""

from __future__ import annotations

import socket
from collections.abc import Callable

import aiohttp
import pytest

from gateway.errors import PortTaken
from gateway.http.health import routes
from gateway.http.site import Site
from gateway.readiness import Readiness
from tests.gateway.http import sites

pytestmark = pytest.mark.live
READY = Readiness(listening=True, warm=True, free=3, calls=1)


def site(readiness: Callable[[], Readiness] = lambda: READY, *, port: int = 0) -> Site:
    return sites.site(routes(readiness), port=port)


async def test_alive_and_ready_and_not_ready() -> None:
    now = [READY]
    here = site(lambda: now[0])
    await here.start()
    try:
        async with aiohttp.ClientSession(here.url) as client:
            async with client.get("/healthz") as answer:
                assert (answer.status, await answer.json()) == (200, {"status": "ok"})
            async with client.get("/readyz") as answer:
                assert answer.status == 200
                assert await answer.json() == {"status": "ready", "seats_free": 3, "calls": 1}
                assert answer.headers["Cache-Control"] == "no-store"
            now[0] = Readiness(listening=True, warm=True, free=0, calls=4)
            async with client.get("/readyz") as answer:
                assert answer.status == 503
                assert answer.headers["Retry-After"] == "5"
                assert await answer.json() == {"status": "full", "seats_free": 0, "calls": 4}
            async with client.get("/healthz") as answer:
                assert answer.status == 200
            async with client.post("/readyz") as answer:
                assert answer.status == 405
            async with client.get("/") as answer:
                assert answer.status == 404
    finally:
        await here.close()
        await here.close()


async def test_a_port_that_is_taken_is_named_by_its_key() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken) as caught:
            await site(port=port).start()
    where = f"127.0.0.1:{port}"
    text = f"http.port: cannot listen on {where}: address already in use; free it, or give another"
    assert str(caught.value) == f"{text} http.port"


async def test_an_address_that_is_not_ours_is_named_by_its_key() -> None:
    away = sites.site([], host="192.0.2.1")  # RFC 5737: nobody's
    with pytest.raises(PortTaken, match=r"^http\.host: cannot listen on 192\.0\.2\.1:0: "):
        await away.start()


async def test_ipv6_urls_have_brackets() -> None:
    here = sites.site([], host="::1")
    try:
        await here.start()
    except PortTaken:
        pytest.skip("no IPv6 on this machine")
    assert here.url.startswith("http://[::1]:")
    await here.close()
