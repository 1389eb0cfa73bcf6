"""``parley doctor``: what this machine can do, and how to mend what it cannot; is a file valid.

Of a folder, whether the checkpoint in it is whole (``gateway.doctorcheckpoint``).
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import av
import yaml
from rich.console import Console
from rich.table import Table

from bot.engines.embedded import pins
from bot.engines.embedded.weights import Weight, locate
from bot.errors import WeightsMissing
from bot.persona import Problem, check
from gateway import doctorcheckpoint, voicechat
from gateway.app import CONFIGS
from gateway.complaint import DONE, FAILED, USAGE
from gateway.config import ParleyConfig, load, password_of
from gateway.errors import ConfigError, InputError, PortTaken
from gateway.finding import Finding
from gateway.legs import sipbuild
from gateway.ports import bracketed, check_free
from gateway.sipconfig import SipConfig

CODECS = ("pcm_mulaw", "pcm_alaw", "pcm_s16le", "flac", "vorbis", "opus")


def check_machine(console: Console) -> int:
    """Print what there is; 1 if something needed is missing."""
    return _show(list(_look()), console)


def check_folder(path: Path, console: Console) -> int:
    """Print what there is of a checkpoint; 1 if it is not what it seems to be.

    Raises ``InputError``, ``PartMissing``, ``CheckpointError``.
    """
    return _show(list(doctorcheckpoint.look(path, console)), console)


def _show(findings: Sequence[Finding], console: Console) -> int:
    table = Table(box=None, pad_edge=False)
    for column in ("", "what", "found", "how to mend it"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        mark = "[green]ok[/green]" if finding.ok else "[red]no[/red]"
        if not finding.ok and not finding.needed:
            mark = "[yellow]--[/yellow]"
        table.add_row(mark, finding.what, finding.found, finding.remedy)
    console.print(table)
    return FAILED if any(f.needed and not f.ok for f in findings) else DONE


def check_file(path: Path, console: Console) -> int:
    """Say whether a persona or a ``parley.yaml`` is valid; 2 if it is not, naming the lines."""
    if not path.is_file():
        raise InputError(where=str(path), what="no such file")
    if _is_settings(path):
        config = load([], config_dir=path.resolve().parent)
        console.print(f"{path}: valid settings", highlight=False, soft_wrap=True)
        return _check_passwords(config, console)
    problems = check(path)
    for problem in problems:
        console.print(f"{path}:{problem.line}: {_tell(problem)}", highlight=False, soft_wrap=True)
    if not problems:
        console.print(f"{path}: a valid persona", highlight=False, soft_wrap=True)
    return USAGE if problems else DONE


def rebuild_index(file: Path | None, overrides: Sequence[str], console: Console) -> int:
    """Make the call index anew: of the calls that the settings, those in ``file``, are about.

    Raises ``ConfigError``, ``InputError``, ``IndexUnusable``.
    """
    from gateway.store.reindex import reindex

    if file is not None and not (file.is_file() and _is_settings(file)):
        raise ConfigError(path=str(file), what="no settings", remedy="name a parley.yaml")
    config_dir = None if file is None else file.resolve().parent
    return reindex(Path(load(overrides, config_dir=config_dir).recording.dir), console)


def _check_passwords(config: ParleyConfig, console: Console) -> int:
    """Say of each registration whether its password can be read here; 1 if one cannot."""
    code = DONE
    for place, registration in enumerate(config.sip.registrations):
        told = f"{registration.name}: the password is there"
        try:
            password_of(registration, path=f"sip.registrations.{place}")
        except ConfigError as error:
            code, told = FAILED, str(error)
        console.print(told, highlight=False, markup=False, soft_wrap=True)
    return code


def _tell(problem: Problem) -> str:
    key = f"{problem.key}: " if problem.key else ""
    return f"{key}{problem.what}; {problem.remedy}"


def _is_settings(path: Path) -> bool:
    """Settings live under the name Hydra looks for; what else looks like settings is misnamed."""
    if path.name == "parley.yaml":
        return True
    try:
        plain = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        return False  # the persona's check says where
    keys = set(plain) if isinstance(plain, dict) else set()
    settings = set(ParleyConfig.model_fields) | {"defaults"}
    if keys and keys <= settings and "limits" not in keys:
        raise ConfigError(
            path=str(path), what="looks like settings", remedy="name it parley.yaml to have it read"
        )
    return False


def _look() -> Iterator[Finding]:
    version = platform.python_version()
    yield Finding(
        "Python",
        (3, 11) <= sys.version_info[:2] <= (3, 14),
        version,
        "3.11 to 3.14 are supported" if not (3, 11) <= sys.version_info[:2] <= (3, 14) else "",
    )
    cores = len(os.sched_getaffinity(0))
    yield Finding(
        "cores", cores >= 2, str(cores), "" if cores >= 2 else "two carry four calls", needed=False
    )
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    yield Finding(
        "disk", free > 1, f"{free:.1f} GB free", "" if free > 1 else "an hour of calls is 0.23 GB"
    )
    missing = [name for name in CODECS if name not in av.codecs_available]
    yield Finding("audio codecs", not missing, ", ".join(missing) or "all", needed=bool(missing))
    for _, group in groupby(pins.WEIGHTS, key=lambda weight: (weight.part, weight.package)):
        yield _weights(list(group))
    yield _sip()
    yield _port(SipConfig())
    yield _extra("livekit", "echo cancellation (bot.aec)", "make setup EXTRAS=aec")
    yield from voicechat.look()
    for file in sorted((CONFIGS / "persona").glob("*.yaml")):
        problems = check(file)
        found = f"line {problems[0].line}: {problems[0].what}" if problems else "valid"
        yield Finding(f"persona {file.stem}", not problems, found)


def _weights(weights: list[Weight]) -> Finding:
    """The files of one part out of one package; each part but the VAD has a fallback."""
    part, package = weights[0].part, weights[0].package
    try:
        for weight in weights:
            locate(weight)
    except WeightsMissing as missing:
        found = f"{Path(missing.path).name}: {missing.why}"
        return Finding(part, False, found, missing.remedy, needed=False)
    count = "1 file" if len(weights) == 1 else f"{len(weights)} files"
    return Finding(part, True, f"{package}, {count} verified")


def _sip() -> Finding:
    """The engine of the SIP line: which of the two builds, and what that means."""
    what = "SIP engine (pjsua2)"
    try:
        build = sipbuild.look()
    except sipbuild.SipBuildBroken as broken:
        return Finding(what, False, broken.why, "make pjsua2", needed=False)
    if build is None:
        remedy = "make pjsua2; make setup EXTRAS=sip for a try on loopback"
        return Finding(what, False, "not installed", remedy, needed=False)
    remedy = "make pjsua2 before it meets a network" if build.loopback_only else ""
    return Finding(what, True, build.tell(), remedy)


def _port(sip: SipConfig) -> Finding:
    """Whether ``parley serve`` could listen; one that runs already is no fault."""
    what, where = "SIP port", f"{bracketed(sip.host)}:{sip.port}"
    try:
        check_free(section="sip", host=sip.host, port=sip.port)
    except PortTaken as taken:
        remedy = "a gateway that runs, or another program: then sip.port=5070"
        return Finding(what, False, f"{where}: {taken.why}", remedy, needed=False)
    return Finding(what, True, f"{where} is free, UDP and TCP")


def _extra(module: str, what: str, remedy: str) -> Finding:
    if importlib.util.find_spec(module) is None:
        return Finding(what, False, "not installed", remedy, needed=False)
    return Finding(what, True, f"{module} {importlib.metadata.version(module)}")
