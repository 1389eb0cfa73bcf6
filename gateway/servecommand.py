"""``parley serve``: read the settings, put the parts together, serve, leave on a signal."""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
import secrets
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TypeAlias

from aiohttp import web
from rich.console import Console

from bot.engine import EngineSpec
from gateway.admission import Admission
from gateway.app import stepper_for, writer_for
from gateway.complaint import DONE, INTERRUPTED
from gateway.config import ParleyConfig, load
from gateway.desk import Desk
from gateway.drain import Drain
from gateway.engine import SupervisedEngine
from gateway.http import whip
from gateway.http.build import build
from gateway.http.site import Site
from gateway.keeping import check_writable
from gateway.legs.sip import SipSwitchboard
from gateway.legs.webrtc import WebRtcSwitchboard
from gateway.offers import Switchboard
from gateway.outbound import Outbound
from gateway.ports import bracketed
from gateway.recovery import finish_all
from gateway.routing import Routes
from gateway.serve import Gateway, Parts
from gateway.store import IndexedCalls
from gateway.switchboards import switchboards
from media.clock import Clock, LoopClock, wall_utc

Boards: TypeAlias = Callable[[ParleyConfig, Clock], Sequence[Switchboard]]


def run(
    overrides: Sequence[str],
    *,
    config_dir: Path | None,
    console: Console,
    boards: Boards = switchboards,
) -> int:
    """Serve until stopped: 0 if the calls were let end, 130 if a second signal came."""
    config = load(overrides, config_dir=config_dir)
    with _telling():
        hurried = asyncio.run(_serve(config, config_dir=config_dir, console=console, boards=boards))
    return INTERRUPTED if hurried else DONE


async def _serve(
    config: ParleyConfig, *, config_dir: Path | None, console: Console, boards: Boards
) -> bool:
    loop, drain = asyncio.get_running_loop(), Drain()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, drain.ask)
    root = Path(config.recording.dir)
    if config.recording.enabled:
        check_writable(root, key="recording.dir")
    store = IndexedCalls(root)
    gateway = _gateway(config, drain, config_dir=config_dir, boards=boards, kept=store.completed)
    site = build(config.http, gateway=gateway, store=store, more=_browsers(gateway))
    for folder in finish_all(root):
        console.print(f"finished {folder}, which a crash had left", highlight=False)
    async with AsyncExitStack() as undo:
        undo.push_async_callback(store.close)
        await store.start()
        undo.push_async_callback(site.close)
        undo.callback(gateway.bus.close)  # else the site would wait for those who read events
        await site.start()
        await gateway.serve(listening=lambda: _listening(config, gateway, site, console))
    return drain.hurried.is_set()


def _gateway(
    config: ParleyConfig,
    drain: Drain,
    *,
    config_dir: Path | None,
    boards: Boards,
    kept: Callable[[str], None],
) -> Gateway:
    clock = LoopClock(asyncio.get_running_loop())
    make = functools.partial(stepper_for, config.bot.choice(), pace="live", fidelity="ideal")
    engine = SupervisedEngine(make, name=config.bot.name, clock=clock)
    writer = writer_for("live")
    desk = functools.partial(
        Desk,
        config_dir=config_dir,
        stepper=engine,
        writer=writer,
        wall=wall_utc,
        token=functools.partial(secrets.token_hex, 3),
    )
    made = boards(config, clock)
    # The first SIP worker has the accounts.
    line = next((one for one in made if isinstance(one, SipSwitchboard)), None)
    everybody = desk(config.model_copy(update={"routes": ()}))
    answering = desk(config)
    engine.rehearse(answering.sessions)
    parts = Parts(
        switchboards=made,
        engine=engine,
        desk=answering,
        writer=writer,
        admission=Admission(config.admission.rules()),
        routes=Routes([route.route() for route in config.routes]),
        clock=clock,
        drain_s=config.drain.seconds,
        kept=kept,
        outbound=Outbound(config.sip, line, everybody),
    )
    return Gateway(parts, drain)


def _browsers(gateway: Gateway) -> list[web.RouteDef]:
    """The routes by which browsers call."""
    boards = [one for one in gateway.switchboards if isinstance(one, WebRtcSwitchboard)]
    for board in boards:
        board.listen(gateway.bus)
    return [route for board in boards for route in whip.routes(board)]


def _listening(config: ParleyConfig, gateway: Gateway, site: Site, console: Console) -> None:
    # All that is there now stays. Without this, the collector looks through it again and again,
    # for 35 ms each time (measured), in which no call gets its next packet.
    gc.collect()
    gc.freeze()
    _greet(config, gateway.spec, site, console)


def _greet(config: ParleyConfig, spec: EngineSpec, site: Site, console: Console) -> None:
    """Say that it serves, and where."""
    seats = "1 call" if spec.width == 1 else f"{spec.width} calls"
    plan = f" ({spec.plan})" if spec.plan else ""
    told = f"{config.bot.name} takes up to {seats} at once{plan}"
    console.print(told, highlight=False, markup=False, soft_wrap=True)
    if config.sip.enabled:
        for place in range(config.sip.workers):
            where = f"sip:bot@{bracketed(config.sip.host)}:{config.sip.port + 2 * place}"
            told = f"calls:  {where}, from a softphone without an account"
            console.print(told, highlight=False, markup=False, soft_wrap=True)
    if config.webrtc.enabled:
        told = f"page:   {site.url}/ to call from the browser, and to look at calls"
        console.print(told, highlight=False, markup=False, soft_wrap=True)
    console.print(f"health: {site.url}/readyz", highlight=False, markup=False, soft_wrap=True)
    stop = f"Ctrl-C; calls may go on for {config.drain.seconds} s, a second one ends them at once"
    console.print(f"stop:   {stop}", highlight=False, markup=False, soft_wrap=True)


@contextmanager
def _telling() -> Iterator[None]:
    """A service tells what it does as it does it: calls, refusals, faults, on stderr."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(min(before, logging.INFO))
    try:
        yield
    finally:
        root.setLevel(before)
