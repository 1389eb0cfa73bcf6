"""The baseline: pjsua2 alone. Every call's sound goes back to it inside the library, in C.

    python -m benchmarks.sipnative PORT CALLS RATE

Says ``ready``, answers ``CALLS`` calls at once at most, and runs until its input ends. Set up as
the SIP worker sets its library up, but no Python is called for sound.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

POLL_MS = 10


@contextmanager
def native(*, port: int, calls: int, rate: int) -> Iterator[int]:
    """One in a process of its own; its process number. ``SystemExit`` if it does not start."""
    words = (str(port), str(calls), str(rate))
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.sipnative", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        if not any(line.strip() == "ready" for line in process.stdout):
            raise SystemExit("the bare pjsua2 loop does not start")
        yield process.pid
    finally:
        process.kill()
        process.communicate()


def main(port: int, calls: int, rate: int) -> None:
    """Serve until standard input ends."""
    import pjsua2 as pj

    incoming: list[int] = []
    kept: dict[int, Any] = {}

    class Call(pj.Call):  # type: ignore[misc]
        def onCallMediaState(self, parameter: Any) -> None:
            info = self.getInfo()  # kept: its media would be freed with it
            for index in range(len(info.media)):
                if info.media[index].status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                    sound = self.getAudioMedia(index)
                    sound.startTransmit(sound)

    class Account(pj.Account):  # type: ignore[misc]
        def onIncomingCall(self, parameter: Any) -> None:
            number = int(parameter.callId)
            kept[number] = Call(self, number)  # now: a call that nobody keeps is hung up
            incoming.append(number)

    library = pj.Endpoint()
    library.libCreate()
    library.libInit(_settings(pj, calls=calls, rate=rate))
    for kind in (pj.PJSIP_TRANSPORT_UDP, pj.PJSIP_TRANSPORT_TCP):
        transport = pj.TransportConfig()
        transport.port, transport.boundAddress = port, "127.0.0.1"
        library.transportCreate(kind, transport)
    library.libStart()
    library.audDevManager().setNullDev()
    for codec in library.codecEnum2():
        name = str(codec.codecId)
        library.codecSetPriority(name, 255 if name.startswith("PCMU") else 0)
    account = Account()
    account.create(_account(pj, port=port))
    over = threading.Event()
    threading.Thread(target=_wait, args=(over,), daemon=True).start()
    print("\nready", flush=True)
    while not over.is_set():
        library.libHandleEvents(POLL_MS)
        while incoming:  # here: the library may not be asked to answer in a callback
            answer = pj.CallOpParam()
            answer.statusCode = 200
            kept[incoming.pop()].answer(answer)
    os._exit(0)  # taking the library down in order can hang


def _wait(over: threading.Event) -> None:
    sys.stdin.read()
    over.set()


def _settings(pj: Any, *, calls: int, rate: int) -> Any:
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.uaConfig.maxCalls = calls
    config.logConfig.level = config.logConfig.consoleLevel = 0
    media = config.medConfig
    media.clockRate = media.sndClockRate = rate
    media.noVad = True
    media.ecTailLen = 0
    media.jbMax = 200
    return config


def _account(pj: Any, *, port: int) -> Any:
    config = pj.AccountConfig()
    config.idUri = f"sip:loop@127.0.0.1:{port}"
    config.mediaConfig.srtpUse = pj.PJMEDIA_SRTP_DISABLED
    config.mediaConfig.transportConfig.port = 28_000
    config.mediaConfig.transportConfig.portRange = 1_999
    config.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
    return config


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:4]))
