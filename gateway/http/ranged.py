"""Answers with what has a length, and with parts of it (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Protocol

from aiohttp import ETag, web

from gateway.http.problem import Problem

PIECE = 1 << 18  # bytes read at once: 4 s of a stereo recording
_RANGE = re.compile(r"bytes=\s*(?:(\d{1,18})\s*-\s*(\d{0,18})|-\s*(\d{1,18}))\s*", re.ASCII)


class Source(Protocol):
    """Bytes that stay as they are while they are sent."""

    @property
    def size(self) -> int:
        """How many."""

    def read(self, start: int, stop: int) -> bytes:
        """Those from ``start`` up to ``stop``. Called off the loop."""


async def send(
    request: web.Request, source: Source, *, headers: Mapping[str, str], tag: str | None
) -> web.StreamResponse:
    """All of ``source``, or the one range that was asked for; ``tag`` is its strong entity tag.

    Without a tag, what was sent before cannot be continued: ``If-Range`` never fits.
    """
    if tag is not None:
        headers = {**headers, "ETag": tag}
        if (early := unchanged(request, tag, headers=headers)) is not None:
            return early
    start, stop = 0, source.size
    response = web.StreamResponse(headers={**headers, "Accept-Ranges": "bytes"})
    if request.headers.get("If-Range", tag) == tag:
        wanted = _wanted(request.headers.get("Range", ""), source.size)
        if wanted is not None:
            start, stop = wanted
            response.set_status(206)
            response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{source.size}"
    response.content_length = stop - start
    await response.prepare(request)
    while start < stop and request.method != "HEAD":
        end = min(start + PIECE, stop)
        await response.write(await asyncio.to_thread(source.read, start, end))
        start = end
    return response


def unchanged(request: web.Request, tag: str, *, headers: Mapping[str, str]) -> web.Response | None:
    """304 for whoever has what ``tag`` names already, else ``None``.

    Raises ``Problem`` 412 for whoever wants that alone which it no longer is.
    """
    asked = request.if_match
    if asked is not None and not _names(asked, tag, weakly=False):
        raise Problem(412, "it is not what If-Match asks for")
    if _names(request.if_none_match or (), tag, weakly=True):
        return web.Response(status=304, headers=headers)
    return None


def _names(asked: tuple[ETag, ...], tag: str, *, weakly: bool) -> bool:
    value = tag.strip('"')
    return any(one.value in ("*", value) and (weakly or not one.is_weak) for one in asked)


def _wanted(text: str, size: int) -> tuple[int, int] | None:
    """The one range that is wanted, its end not in it; ``None``: all, as for what is no range."""
    found = _RANGE.fullmatch(text)
    if found is None:  # several ranges, too: to send all is always right
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        start, stop = max(0, size - int(suffix)), size
    else:
        start, stop = int(first), min(int(last) + 1 if last else size, size)
        if last and int(last) < start:
            return None
    if start >= min(stop, size):
        beyond = {"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"}
        raise Problem(416, f"there are {size} bytes", headers=beyond)
    return start, stop
