"""The ``parley`` command: parse, run, one line per error, the right exit code."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from gateway.complaint import DONE, FAILED, INTERRUPTED, USAGE, complain
from gateway.errors import ConfigError
from gateway.score.definitions import DEFINITIONS
from media.errors import ParleyError

__all__ = ["DONE", "FAILED", "INTERRUPTED", "USAGE", "main"]
FILE = click.Path(path_type=Path)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0 done, 1 failed, 2 bad usage, 130 interrupted."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # What a command has to say it says itself, in one line; the log is for --debug.
    level = logging.DEBUG if "--debug" in arguments else logging.CRITICAL
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    try:
        return int(parley.main(arguments, "parley", standalone_mode=False) or DONE)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.exceptions.NoArgsIsHelpError as wanted:
        click.echo(wanted.format_message())
        return USAGE
    except click.ClickException as error:
        return complain(error, text=error.format_message())
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        sys.stderr.close()
        return FAILED
    except ParleyError as error:
        return complain(error)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return complain(error, text=f"{where}{error.strerror or error}")


def _debug(command: Callable[..., Any]) -> Callable[..., Any]:
    # ``main`` has looked for it already: it counts before and after the command's name.
    return click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")(
        command
    )


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@_debug
def parley() -> None:
    """Answers the phone with a machine that can listen while it talks."""


@parley.command()
@click.argument("words", nargs=-1, required=True, metavar="INPUT... [KEY=VALUE...]")
@click.option("--out", type=FILE, required=True, help="Where the call folders go.")
@click.option("--against", type=FILE, help="A folder of call folders to compare with.")
@click.option(
    "--fidelity",
    type=click.Choice(["ideal", "timed", "fed"]),
    default="ideal",
    help="ideal: steps cost nothing; timed: what they cost now; fed: the bot as recorded.",
)
@click.option(
    "--pace", type=click.Choice(["virtual", "live"]), default="virtual", help="live: real time."
)
@click.option(
    "--caller-channel", type=click.IntRange(0, 1), help="Of stereo recordings: 0 is left."
)
@click.option("--config-dir", type=FILE, help="A folder with settings of your own, in front.")
@_debug
def replay(words: tuple[str, ...], **options: Any) -> int:
    """Recorded calls through the same call path, on a virtual clock.

    INPUT is an audio file (WAV, FLAC, Ogg), a folder of them, a .jsonl manifest, or call folders
    made by Parley. A word with = that is no existing path is a setting, as in bot=echo.
    """
    from gateway.replaycommand import run

    overrides = [word for word in words if "=" in word and not Path(word).exists()]
    inputs = [Path(word) for word in words if word not in overrides]
    if not inputs:
        raise ConfigError(path="replay", what="nothing to replay", remedy="name a recording")
    return run(inputs, overrides=overrides, console=Console(), **options)


@parley.command()
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE...]")
@click.option("--config-dir", type=FILE, help="A folder with settings of your own, in front.")
@_debug
def serve(overrides: tuple[str, ...], config_dir: Path | None) -> int:
    """The gateway: takes calls until it is stopped.

    The first SIGTERM or Ctrl-C lets the calls that are up end (drain.seconds), a second one ends
    them at once.
    """
    from gateway.servecommand import run

    return run(overrides, config_dir=config_dir, console=Console())


@parley.command()
@click.argument("uri", metavar="sip:NUMBER@HOST")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE...]")
@click.option("--config-dir", type=FILE, help="A folder with settings of your own, in front.")
@_debug
def call(uri: str, overrides: tuple[str, ...], config_dir: Path | None) -> int:
    """One outbound call: the bot speaks with whoever answers.

    Off until sip.outbound.enabled=true. Ctrl-C hangs up.
    """
    from gateway.callcommand import run

    return run(uri, overrides, config_dir=config_dir, console=Console())


@parley.command()
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE...]")
@click.option(
    "--caller-channel", type=click.IntRange(0, 1), help="Of stereo recordings: 0 is left."
)
@click.option("--config-dir", type=FILE, help="A folder with settings of your own, in front.")
@click.option(
    "--make-tiny", type=FILE, metavar="DIR", help="Write a tiny random checkpoint, nothing else."
)
@_debug
def s2s(
    overrides: tuple[str, ...],
    caller_channel: int | None,
    config_dir: Path | None,
    make_tiny: Path | None,
) -> int:
    """Recordings through the VoiceChat model by itself, as files.

    audio_file=PATH is an audio file, a folder or a manifest, s2s.model_path=DIR a checkpoint,
    output_dir=DIR where the files go.
    """
    from gateway import s2scommand

    if make_tiny is not None:
        if overrides:
            raise click.UsageError("s2s: --make-tiny takes no settings")
        return s2scommand.make_tiny(make_tiny, Console())
    if not overrides and config_dir is None:
        raise click.UsageError(
            "s2s: nothing to do; give audio_file=PATH s2s.model_path=DIR, or --make-tiny DIR"
        )
    return s2scommand.run(
        overrides, caller_channel=caller_channel, config_dir=config_dir, console=Console()
    )


@parley.command(epilog="\b\n" + DEFINITIONS)
@click.argument("paths", nargs=-1, required=True, type=FILE, metavar="DIR|FILE...")
@click.option(
    "--out", type=FILE, help="Where score.json and the pictures go. Of one folder: into its score/."
)
@click.option(
    "--caller-channel", type=click.IntRange(0, 1), default=0, help="Of recordings: 0 is left."
)
@_debug
def score(paths: tuple[Path, ...], out: Path | None, caller_channel: int) -> int:
    """A turn-taking report over call folders or any stereo recordings."""
    from gateway.score import run

    if out is None and len(paths) == 1 and paths[0].is_dir():
        out = paths[0] / "score"
    return run(paths, out=out, console=Console(), caller_channel=caller_channel)


@parley.command()
@click.argument("words", nargs=-1, metavar="[FILE.yaml|DIR] [KEY=VALUE...]")
@click.option("--reindex", is_flag=True, help="Make the call index anew from the call folders.")
@_debug
def doctor(words: tuple[str, ...], reindex: bool) -> int:
    """What this machine can do; with a file, whether that config or persona is valid.

    With a folder, whether the VoiceChat checkpoint in it is whole: every value of its listening
    half is read, and the released file is known by its SHA-256.

    With --reindex, FILE.yaml and KEY=VALUE say where the calls are, as for serve.
    """
    from gateway.doctor import check_file, check_folder, check_machine, rebuild_index

    overrides = [word for word in words if "=" in word and not Path(word).exists()]
    files = [Path(word) for word in words if word not in overrides]
    if len(files) > 1:
        raise ConfigError(path=str(files[1]), what="one file at a time")
    if reindex:
        return rebuild_index(files[0] if files else None, overrides, Console())
    if overrides:
        raise ConfigError(path=overrides[0], what="settings are for --reindex alone")
    if not files:
        return check_machine(Console())
    check = check_folder if files[0].is_dir() else check_file
    return check(files[0], Console())
