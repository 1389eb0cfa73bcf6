"""``parley call``: one outbound call. The engine is warm before anything rings."""

from __future__ import annotations

import asyncio
import functools
import secrets
import signal
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from rich.console import Console

from gateway.app import stepper_for, writer_for
from gateway.call import Call
from gateway.calltold import CallTold
from gateway.complaint import DONE, INTERRUPTED, complain
from gateway.config import ParleyConfig, load
from gateway.desk import Desk
from gateway.dialling import check_allowed, check_reachable, target_of
from gateway.engine import SupervisedEngine
from gateway.errors import CallFailed
from gateway.legs.sip import SipSwitchboard
from gateway.legs.sipdial import Dialling
from gateway.legs.sipsettings import WorkerSettings
from gateway.legs.sipsupervisor import half
from gateway.outcome import Fault
from gateway.switchboards import worker_settings
from media.clock import LoopClock, wall_utc

Settings: TypeAlias = Callable[[ParleyConfig], WorkerSettings]
"""Of the SIP worker that is to dial."""
Board: TypeAlias = Callable[[WorkerSettings], SipSwitchboard]


def run(
    uri: str,
    overrides: Sequence[str],
    *,
    config_dir: Path | None,
    console: Console,
    settings: Settings = worker_settings,
    board: Board = SipSwitchboard,
) -> int:
    """Call ``uri``: 0 if it was answered and ended well, 1 if not, 130 after Ctrl-C.

    Raises ``ConfigError`` if it may not be called, ``PartMissing``, ``LegError``, ``BotError``.
    """
    target = target_of(uri)
    config = load(overrides, config_dir=config_dir)
    check_allowed(target, config.sip.outbound)
    worker = one_call(settings(config))
    check_reachable(target, host=worker.host, proxied=bool(_proxy(worker)))
    # Routes are for who calls us; whom we call hears what the settings say for all calls.
    config = config.model_copy(update={"routes": ()})
    told = CallTold(console)
    return asyncio.run(_dial(uri, config, board(worker), config_dir=config_dir, told=told))


def one_call(settings: WorkerSettings) -> WorkerSettings:
    """For a process beside ``parley serve``: any port, other RTP ports, no registration."""
    accounts = tuple(replace(account, registers=False) for account in settings.accounts)
    return replace(half(settings, upper=True), port=0, accounts=accounts)


def _proxy(settings: WorkerSettings) -> str:
    own = settings.accounts[settings.dial].proxy if settings.dial >= 0 else ""
    return settings.proxy or own


async def _dial(
    uri: str,
    config: ParleyConfig,
    board: SipSwitchboard,
    *,
    config_dir: Path | None,
    told: CallTold,
) -> int:
    loop, ours = asyncio.get_running_loop(), asyncio.current_task()
    assert ours is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ours.cancel)
    make = functools.partial(stepper_for, config.bot.choice(), pace="live", fidelity="ideal")
    engine = SupervisedEngine(make, name=config.bot.name, clock=LoopClock(loop))
    writer = writer_for("live")
    desk = Desk(
        config,
        config_dir=config_dir,
        stepper=engine,
        writer=writer,
        wall=wall_utc,
        token=functools.partial(secrets.token_hex, 3),
    )
    try:
        async with AsyncExitStack() as undo:
            writer.start()
            undo.callback(writer.stop)
            undo.push_async_callback(engine.close)
            await engine.start()
            undo.push_async_callback(board.close)
            await board.start()
            undo.callback(loop.create_task(_refuse_all(board)).cancel)
            dialling = Dialling(uri, ring_s=config.sip.outbound.ring_s, told=told.progress)
            told.dialling(uri)
            call = desk.call(board.dial(dialling), route=0, watch=told.fact)
            return await _carry(call, uri, told)
    except asyncio.CancelledError:  # by a signal; the far end was told on the way here
        told.hung_up()
        return INTERRUPTED


async def _carry(call: Call, uri: str, told: CallTold) -> int:
    outcome = await call.run()
    told.over(call, outcome)
    if outcome.fault is Fault.NONE and told.answered:
        return DONE
    why = str(call.error) if call.error is not None else str(outcome)
    return complain(CallFailed(to=uri, why=why))


async def _refuse_all(board: SipSwitchboard) -> None:
    """Its port is any one: who calls there calls by mistake, or tries doors."""
    async for offer in board.offers():
        await offer.reject(480, reason="Temporarily Unavailable")
