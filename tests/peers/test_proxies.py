"""Calls through nginx and Caddy, set up as ``docs/http.md`` says."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from gateway.serveconfig import TlsConfig
from tests.gateway.http.test_tls import certificate
from tests.gateway.legs.browser import browser
from tests.gateway.legs.whipline import SDP, hears
from tests.peers.exchange import free_port
from tests.peers.serving import Served, served

pytestmark = [pytest.mark.peers, pytest.mark.live]
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
TOKEN = "a token for tests"
CALLER = "127.0.0.9"  # loopback as well, and not the proxy's own address


def block(language: str) -> str:
    """The one of that language in the page."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return str(found)


def told(text: str, *changes: tuple[str, str]) -> str:
    """With what is the reader's own: each change must have something to change."""
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return text


def nginx(folder: Path, *, port: int, upstream: str, tls: TlsConfig) -> list[str]:
    """Its command, for one process that stays."""
    server = told(
        block("nginx"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/parley/fullchain.pem", str(tls.cert)),
        ("/etc/ssl/parley/privkey.pem", str(tls.key)),
        ("http://127.0.0.1:8080", upstream),
    )
    temporary = " ".join(
        f"{kind}_temp_path {folder / kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {folder / 'pid'}; error_log stderr;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary}\n{server}\n}}\n",
        encoding="utf-8",
    )
    return ["nginx", "-c", str(config), "-p", str(folder), "-e", "stderr"]


def caddy(folder: Path, *, port: int, upstream: str, tls: TlsConfig) -> list[str]:
    """Its command. The certificate it would get for itself is ours, for this once."""
    site = told(
        block("caddyfile"),
        ("parley.example.org {", f"https://127.0.0.1:{port} {{\n  tls {tls.cert} {tls.key}"),
        ("127.0.0.1:8080", upstream.removeprefix("http://")),
    )
    config = folder / "Caddyfile"
    head = "{\n  admin off\n  auto_https disable_redirects\n}\n"
    config.write_text(head + site, encoding="utf-8")
    return ["caddy", "run", "--config", str(config), "--adapter", "caddyfile"]


@dataclass(frozen=True, slots=True)
class Proxied:
    """A gateway, and a session with it through a proxy at ``url``."""

    url: str
    http: aiohttp.ClientSession
    gateway: Served


@asynccontextmanager
async def proxied(folder: Path, command: Callable[..., list[str]]) -> AsyncIterator[Proxied]:
    tokens = folder / "tokens.yaml"
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    words = ["bot=echo", "sip.enabled=false", f"http.tokens_file={tokens}"]
    words += ["http.proxies=[127.0.0.1/32]", f"admission.allow=[{CALLER}/32]"]
    await asyncio.to_thread(
        tokens.write_text, f"[{{name: tests, sha256: {digest}, scopes: [admin]}}]"
    )
    port, tls = free_port(), certificate(folder)
    async with served(folder, *words) as gateway:
        process = await asyncio.create_subprocess_exec(
            *command(folder, port=port, upstream=gateway.url, tls=tls),
            env={**os.environ, "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)},
        )
        try:
            await _listening(port, process)
            url = f"https://127.0.0.1:{port}"
            trusted = ssl.create_default_context(cafile=tls.cert)
            connector = aiohttp.TCPConnector(ssl=trusted, local_addr=(CALLER, 0))
            jar = aiohttp.CookieJar(unsafe=True)
            headers = {"Origin": url}
            async with aiohttp.ClientSession(
                url, connector=connector, cookie_jar=jar, headers=headers
            ) as http:
                yield Proxied(url, http, gateway)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _listening(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(10):
        while True:
            assert process.returncode is None, "it has gone"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


async def until_answered(events: aiohttp.StreamReader) -> list[str]:
    """Types of events, as they come."""
    came: list[str] = []
    async with asyncio.timeout(5):
        while "answer" not in came:
            line = await events.readline()
            if line.startswith(b"data: "):
                came.append(json.loads(line.removeprefix(b"data: "))["type"])
    return came


@pytest.mark.parametrize("proxy", [nginx, caddy], ids=lambda proxy: proxy.__name__)
async def test_a_call_through_a_proxy(proxy: Callable[..., list[str]], tmp_path: Path) -> None:
    if shutil.which(proxy.__name__) is None:
        pytest.skip(f"no {proxy.__name__} is installed")
    async with proxied(tmp_path, proxy) as here, browser() as one:
        async with here.http.get("/v1/calls") as got:
            assert got.status == 401
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        async with here.http.post("/login", headers=bearer) as got:
            assert got.status == 200
            assert "Secure" in got.headers["Set-Cookie"]
        async with here.http.get("/v1/events") as events:
            offer = await one.offer()
            async with here.http.post("/whip", data=offer, headers=SDP) as got:
                assert got.status == 201, await got.text()
                call_id, where = got.headers["Call-Id"], got.headers["Location"]
                await one.take(await got.text())
            assert await until_answered(events.content) == ["offer", "answer"]
            await hears(one, ms=500)
            async with here.http.delete(where) as got:
                assert got.status == 200
        await here.gateway.ended()
        part = {"Range": "bytes=0-99"}
        async with here.http.get(f"/v1/calls/{call_id}/audio", headers=part) as got:
            assert (got.status, len(await got.read())) == (206, 100)
        log = here.gateway.log.read_text(encoding="utf-8")
        assert f"call {call_id}: from {CALLER}" in log
