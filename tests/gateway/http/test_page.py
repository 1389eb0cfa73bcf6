"""The console's files: what they are, how they are kept, what they may do."""

from __future__ import annotations

from importlib.resources import files

import pytest

from gateway.http import page
from tests.gateway.http.sites import client, tokens

pytestmark = pytest.mark.live


async def test_the_page_is_there_before_anybody_has_logged_in() -> None:
    async with client(page.routes(), known=tokens()) as here, here.get("/") as got:
        assert got.status == 200
        assert got.headers["Content-Type"] == "text/html; charset=utf-8"
        policy = got.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
        assert "unsafe" not in policy
        assert "microphone=(self)" in got.headers["Permissions-Policy"]
        assert (await got.text()).lower().startswith("<!doctype html>")


async def test_every_file_is_served_as_what_it_is_and_not_sent_twice() -> None:
    folder = files("gateway.http").joinpath("console")
    async with client(page.routes()) as here:
        for file in folder.iterdir():
            async with here.get(f"/console/{file.name}") as got:
                assert await got.read() == file.read_bytes(), file.name
                assert got.content_type == page.TYPES[file.name.rpartition(".")[2]]
                tag = got.headers["ETag"]
                assert got.headers["Cache-Control"] == "no-cache"
            async with here.get(f"/console/{file.name}", headers={"If-None-Match": tag}) as got:
                assert (got.status, await got.read()) == (304, b"")


@pytest.mark.parametrize("name", ["nothing.js", "..%2fsite.py", "%2e%2e%2fsite.py", "", "a/b.js"])
async def test_nothing_else_is_served(name: str) -> None:
    async with client(page.routes()) as here, here.get(f"/console/{name}") as got:
        assert got.status == 404
