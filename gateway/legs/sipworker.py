"""The process of a SIP worker: its socket, its threads, its end. Run by ``sipsupervisor``.

::

    python -m gateway.legs.sipworker SOCKET-NUMBER

    gateway ═ socket ═► reader thread ─ Sound ─► rings ◄── media clock (native thread)
                              └─ other commands ─► main thread: the SIP library
    gateway ◄═ socket ═ sender thread ◄─ one queue, one wake-up a tick ◄── both

The process outlives nobody: when the socket ends, it says BYE to its calls and exits.
"""

from __future__ import annotations

import gc
import logging
import os
import queue
import signal
import socket
import sys
import threading

from gateway.legs.sipoutbox import Outbox
from gateway.legs.sipprotocol import Beat, Command, Failed, Sound, Start, Stop
from gateway.legs.sipring import Ring
from gateway.legs.sipsettings import WorkerSettings
from gateway.legs.sipwire import MESSAGE_BYTES, WireError, decode_command, encode
from media.clock import Clock, MonotonicClock

logger = logging.getLogger("sip-worker")
POLL_MS = 10
BEAT_S = 1.0
FAREWELL_S = 2.0  # for the far ends to take note of a BYE


class Inbox:
    """Commands of the gateway: sound goes straight into the rings, the rest waits in line."""

    def __init__(self, link: socket.socket, *, rings: dict[int, Ring]) -> None:
        self._link, self._rings = link, rings
        self.commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self.orphaned = threading.Event()

    def run(self) -> None:
        """Receive until the gateway is gone."""
        while True:
            try:
                packet = self._link.recv(MESSAGE_BYTES)
            except OSError:
                packet = b""
            if not packet:
                self.orphaned.set()
                return
            try:
                command = decode_command(packet)
            except WireError as error:
                logger.error("%s", error)
                continue
            if isinstance(command, Sound):
                self._share(command)
            else:
                self.commands.put(command)

    def _share(self, sound: Sound) -> None:
        for packet in sound.packets:
            ring = self._rings.get(packet.call)
            if ring is not None:  # else the call has ended meanwhile
                ring.push(packet)


def settings_from(link: socket.socket) -> WorkerSettings | None:
    """The gateway's first command; ``None`` if it is gone. Raises ``WireError``."""
    packet = link.recv(MESSAGE_BYTES)
    if not packet:
        return None
    command = decode_command(packet)
    if not isinstance(command, Start):
        raise WireError(f"{type(command).__name__} before Start")
    return command.settings


def serve(link: socket.socket, settings: WorkerSettings, *, clock: Clock) -> None:
    """Carry calls until told to stop or left alone. On return all calls have been told BYE."""
    try:  # here: this is the one process that may hold the library, and only once it runs
        from gateway.legs.sipendpoint import CannotListen, Endpoint
    except ImportError as error:
        link.sendall(encode(Failed(f"no SIP library: {error}; pip install 'parley[sip]'")))
        return
    rings: dict[int, Ring] = {}
    outbox, inbox = Outbox(link), Inbox(link, rings=rings)
    for work in (outbox.run, inbox.run):
        threading.Thread(target=work, daemon=True).start()
    endpoint = Endpoint(settings, outbox=outbox, rings=rings, clock=clock)
    try:
        endpoint.start()
    except CannotListen as error:
        link.sendall(encode(Failed(str(error))))
        return
    gc.collect()
    gc.freeze()  # else the collector stops the media clock's callbacks to look through it all
    due = clock.now() + BEAT_S
    stopped = False
    while not stopped and not inbox.orphaned.is_set():
        endpoint.poll(POLL_MS)
        while not inbox.commands.empty():
            command = inbox.commands.get()
            if isinstance(command, Stop):
                stopped = True
            else:
                endpoint.obey(command)
        endpoint.look_after()
        if (now := clock.now()) >= due:
            due = now + BEAT_S
            outbox.post(Beat(endpoint.pulses(), len(rings)))
    endpoint.leave()
    until = clock.now() + FAREWELL_S
    while endpoint.busy and clock.now() < until:
        endpoint.poll(POLL_MS)


def main(arguments: list[str]) -> int:
    """Set the process up and serve."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the library says much before it can be told
    # Names are looked up on the main thread: a resolver that is dead must not hold it up for long.
    os.environ["RES_OPTIONS"] = "timeout:1 attempts:1"
    for number in (signal.SIGINT, signal.SIGTERM):  # the gateway decides when calls end
        signal.signal(number, signal.SIG_IGN)
    logging.basicConfig(format="sip worker: %(message)s", level=logging.INFO)
    link = socket.socket(fileno=int(arguments[0]))
    code = 1
    try:
        settings = settings_from(link)
        if settings is not None:
            serve(link, settings, clock=MonotonicClock())
        code = 0
    except BaseException:
        logger.exception("ends")
    return code


if __name__ == "__main__":
    # Taking the library down in order can hang or abort; the kernel takes it down in any case.
    os._exit(main(sys.argv[1:]))
