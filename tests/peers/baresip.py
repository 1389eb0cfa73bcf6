"""baresip (Debian: ``baresip-core``) as a telephone: plays a file, keeps what it hears.

It is told what to do over its control connection: JSON in netstrings.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import wave
from pathlib import Path
from typing import Any

import numpy as np

from media.frame import Pcm
from tests.peers.exchange import free_port

MODULES = Path("/usr/lib/baresip/modules")
_CONFIG = """\
module_path {modules}
module g711.so
module g722.so
module aufile.so
module sndfile.so
module uuid.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
sip_listen {host}:{port}
ctrl_tcp_listen 127.0.0.1:{control}
audio_source aufile,{folder}/said.wav
audio_player aufile,{folder}/played.wav
audio_alert aufile,/dev/null
ausrc_srate {rate}
auplay_srate {rate}
snd_path {folder}
call_local_timeout 20
call_max_calls 2
"""


def has_baresip() -> bool:
    """Whether it is installed, with the modules this needs."""
    return shutil.which("baresip") is not None and (MODULES / "sndfile.so").exists()


class Baresip:
    """A telephone with one codec; ``codec`` is baresip's name, as ``PCMU/8000/1``."""

    def __init__(self, folder: Path, *, codec: str, host: str = "127.0.0.1") -> None:
        self._folder, self._codec, self._host = folder, codec, host
        self.rate = 16_000 if codec.startswith("G722") else 8_000
        self.port = free_port()
        self.events: list[dict[str, Any]] = []
        self._news = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self, said: Pcm, *, account: str = "") -> Baresip:
        """Run, with ``said`` (8 or 16 kHz, as the codec) to play in a call."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with wave.open(str(self._folder / "said.wav"), "wb") as file:
            file.setparams((1, 2, self.rate, len(said), "NONE", ""))
            file.writeframes(said.astype("<i2").tobytes())
        control = free_port()
        config = _CONFIG.format(
            modules=MODULES,
            folder=self._folder,
            host=self._host,
            port=self.port,
            control=control,
            rate=self.rate,
        )
        (self._folder / "config").write_text(config, encoding="utf-8")
        (self._folder / "contacts").write_text("", encoding="utf-8")
        account = account or f"<sip:baresip@{self._host}:{self.port}>;regint=0"
        whole = f"{account};audio_codecs={self._codec};answermode=auto\n"
        (self._folder / "accounts").write_text(whole, encoding="utf-8")
        with (self._folder / "baresip.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *("baresip", "-f", str(self._folder)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._stream = await self._connect(control)
        self._reading = asyncio.get_running_loop().create_task(self._read())
        return self

    async def close(self) -> None:
        """End the process, in order if it likes."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        if self._stream is not None:
            self._stream[1].close()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(5):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()

    def tell(self, command: str, parameter: str = "") -> None:
        """Give a command."""
        assert self._stream is not None
        body = json.dumps({"command": command, "params": parameter}).encode()
        self._stream[1].write(b"%d:%b," % (len(body), body))

    async def until(self, kind: str, *, within_s: float = 10.0) -> dict[str, Any]:
        """The first event of this type."""
        try:
            async with asyncio.timeout(within_s):
                while True:
                    for event in self.events:
                        if event.get("type") == kind:
                            return event
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {kind}: {self.events}\n{self.log()}") from None

    def log(self) -> str:
        """What it said of itself."""
        return (self._folder / "baresip.log").read_text(encoding="utf-8", errors="replace")

    def heard(self) -> Pcm:
        """What came, decoded, at the codec's rate; complete once the call has been closed."""
        (file,) = self._folder.glob("dump-*dec.wav")
        with wave.open(str(file)) as opened:
            assert opened.getframerate() == self.rate
            return np.frombuffer(opened.readframes(opened.getnframes()), "<i2").astype(np.int16)

    async def _connect(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(10):
            while True:
                try:
                    return await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    assert self._process is not None
                    assert self._process.returncode is None, self.log()
                    await asyncio.sleep(0.05)

    async def _read(self) -> None:
        assert self._stream is not None
        reader = self._stream[0]
        while True:
            try:
                size = int((await reader.readuntil(b":"))[:-1])
                body = await reader.readexactly(size + 1)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            self.events.append(json.loads(body[:-1]))
            self._news.set()
