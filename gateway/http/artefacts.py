"""What a call leaves behind (``docs/call-folder.md``): sound, words, facts.

A call that is up has its timeline only, as far as it is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from aiohttp import web

from gateway.bus import with_call_id
from gateway.callfolders import CallStore
from gateway.http.calls import LiveCalls, no_call
from gateway.http.problem import Problem


def routes(live: LiveCalls, store: CallStore) -> Sequence[web.RouteDef]:
    """Four files of a call's folder."""

    async def kept(request: web.Request, name: str, *, finished: bool = True) -> Path:
        call_id = request.match_info["id"]
        up = any(call["call_id"] == call_id for call in live.live())
        finished = finished or not up
        folder = await asyncio.to_thread(store.folder, call_id, finished=finished)
        if folder is None:
            if up and finished:
                raise Problem(409, "the call is still up: it has this once it is over")
            raise no_call()
        path = folder / name
        if not await asyncio.to_thread(path.is_file):
            raise Problem(404, f"the call has no {name}")
        return path

    async def audio(request: web.Request) -> web.StreamResponse:
        return _file(await kept(request, "call.wav"), "audio/wav")

    async def captions(request: web.Request) -> web.StreamResponse:
        return _file(await kept(request, "transcript.vtt"), "text/vtt; charset=utf-8")

    async def transcript(request: web.Request) -> web.Response:
        return await _array(await kept(request, "transcript.jsonl"), lambda line: line)

    async def timeline(request: web.Request) -> web.Response:
        call_id = request.match_info["id"]
        path = await kept(request, "timeline.jsonl", finished=False)
        return await _array(path, lambda line: with_call_id(line, call_id))

    return [
        web.get("/v1/calls/{id}/audio", audio),
        web.get("/v1/calls/{id}/vtt", captions),
        web.get("/v1/calls/{id}/transcript", transcript),
        web.get("/v1/calls/{id}/timeline", timeline),
    ]


def _file(path: Path, content_type: str) -> web.FileResponse:
    """With range and conditional requests (RFC 9110), from the kernel straight to the socket."""
    name = f"{path.parent.name}{path.suffix}"
    headers = {"Content-Type": content_type, "Content-Disposition": f'inline; filename="{name}"'}
    return web.FileResponse(path, headers=headers)


async def _array(path: Path, each: Callable[[str], str]) -> web.Response:
    """The lines of a file, each a JSON object, as one JSON array."""

    def built() -> bytes:
        # At "\n" alone: texts may hold U+2028 and other ends of lines.
        lines = path.read_bytes().decode("utf-8", "replace").split("\n")
        # What comes after the last one is empty, or a line that is being written just now.
        return f"[{','.join(each(line) for line in lines[:-1])}]".encode()

    return web.Response(
        body=await asyncio.to_thread(built), content_type="application/json", charset="utf-8"
    )
