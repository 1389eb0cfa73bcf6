"""What a call leaves behind (``docs/call-folder.md``): sound, words, facts.

Of a call that is up it is what there is so far, as of one moment, and nothing that may be kept:
the next answer has more.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

from bot.transcript import Transcript, Utterance
from gateway.artefacts import captions
from gateway.bus import with_call_id
from gateway.callfolders import CallStore
from gateway.http.calls import LiveCalls, no_call
from gateway.http.problem import Problem
from gateway.http.ranged import send, unchanged
from gateway.http.sound import TRACKS, Recorded
from media.errors import FormatMismatch
from media.timelinefile import read

VTT = "text/vtt"
GROWING = {"Cache-Control": "no-store"}


class _Place(NamedTuple):
    folder: Path
    over: bool


def routes(live: LiveCalls, store: CallStore) -> Sequence[web.RouteDef]:
    """Four files of a call's folder."""
    kept = functools.partial(_kept, live=live, store=store)

    async def audio(request: web.Request) -> web.StreamResponse:
        track = request.query.get("track")
        if track is not None and track not in TRACKS:
            raise Problem(400, f"track: {' or '.join(TRACKS)}")
        folder, over = await kept(request)
        path = await _there(folder / "call.wav")
        if over and track is None:
            return _file(path, "audio/wav")
        return await _sound(request, path, track=track, over=over)

    async def vtt(request: web.Request) -> web.StreamResponse:
        folder, over = await kept(request)
        if over:
            return _file(await _there(folder / "transcript.vtt"), f"{VTT}; charset=utf-8")
        text = captions(await _said(folder))
        return web.Response(text=text, content_type=VTT, charset="utf-8", headers=GROWING)

    async def transcript(request: web.Request) -> web.Response:
        folder, over = await kept(request)
        if over:
            return await _array(request, folder / "transcript.jsonl", each=lambda line: line)
        said = [line.plain() for line in await _said(folder)]
        return web.json_response(said, headers=GROWING)

    async def timeline(request: web.Request) -> web.Response:
        call_id = request.match_info["id"]
        folder, over = await kept(request)
        path = folder / "timeline.jsonl"
        return await _array(request, path, each=lambda line: with_call_id(line, call_id), over=over)

    return [
        web.get("/v1/calls/{id}/audio", audio),
        web.get("/v1/calls/{id}/vtt", vtt),
        web.get("/v1/calls/{id}/transcript", transcript),
        web.get("/v1/calls/{id}/timeline", timeline),
    ]


async def _kept(request: web.Request, *, live: LiveCalls, store: CallStore) -> _Place:
    call_id = request.match_info["id"]
    # Asked first: of a call that ends meanwhile all is there when it is no longer up.
    up = any(call["call_id"] == call_id for call in live.live())
    if (folder := await store.folder(call_id)) is not None:
        return _Place(folder, over=True)
    if up and (folder := await store.folder(call_id, finished=False)) is not None:
        return _Place(folder, over=False)
    raise no_call()


async def _there(path: Path) -> Path:
    if not await asyncio.to_thread(path.is_file):
        raise Problem(404, f"the call has no {path.name}")
    return path


async def _said(folder: Path) -> list[Utterance]:
    """What the timeline tells of who said what, by now."""
    path = await _there(folder / "timeline.jsonl")
    transcript = await asyncio.to_thread(lambda: Transcript(read(path, torn_ok=True)))
    return transcript.utterances()


def _disposition(path: Path, *, track: str | None = None) -> str:
    name = path.parent.name if track is None else f"{path.parent.name}-{track}"
    return f'inline; filename="{name}{path.suffix}"'


def _file(path: Path, content_type: str) -> web.FileResponse:
    """With range and conditional requests (RFC 9110), from the kernel straight to the socket."""
    headers = {"Content-Type": content_type, "Content-Disposition": _disposition(path)}
    return web.FileResponse(path, headers=headers)


async def _sound(
    request: web.Request, path: Path, *, track: str | None, over: bool
) -> web.StreamResponse:
    headers = {
        "Content-Type": "audio/wav",
        "Content-Disposition": _disposition(path, track=track),
        **({} if over else GROWING),
    }
    try:
        sound = await asyncio.to_thread(Recorded, path, track=track)
    except FormatMismatch as error:
        raise Problem(404, f"the call has no call.wav of ours: {error.what}") from error
    try:
        return await send(request, sound, headers=headers, tag=sound.tag if over else None)
    finally:
        sound.close()


async def _array(
    request: web.Request, path: Path, *, each: Callable[[str], str], over: bool = True
) -> web.Response:
    """The lines of a file, each a JSON object, as one JSON array."""
    found = await asyncio.to_thread((await _there(path)).stat)
    tag = f'"{found.st_mtime_ns:x}-{found.st_size:x}"'
    headers = {"ETag": tag} if over else GROWING
    if over and (early := unchanged(request, tag, headers=headers)) is not None:
        return early

    def built() -> bytes:
        # At "\n" alone: texts may hold U+2028 and other ends of lines.
        lines = path.read_bytes().decode("utf-8", "replace").split("\n")
        # What comes after the last one is empty, or a line that is being written just now.
        return f"[{','.join(each(line) for line in lines[:-1])}]".encode()

    return web.Response(
        body=await asyncio.to_thread(built),
        content_type="application/json",
        charset="utf-8",
        headers=headers,
    )
