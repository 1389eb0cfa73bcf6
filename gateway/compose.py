"""Hydra's part: one plain tree out of YAML files and ``key=value`` words."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra
import yaml
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gateway.errors import ConfigError

PACKAGED = "pkg://configs"


def compose(
    overrides: Sequence[str], *, config_dir: Path | None = None, name: str = "parley"
) -> Any:
    """``name.yaml`` with its groups and the overrides. Raises ``ConfigError``.

    What ``config_dir`` holds goes before what travels inside the package, file by file: its
    ``parley.yaml`` takes the place of ours, its ``bot/embedded.yaml`` that of ours.
    """
    if config_dir is not None and not config_dir.is_dir():
        raise ConfigError(path=f"--config-dir {config_dir}", what="no such folder")
    try:
        with _search(config_dir), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # Hydra's remarks on its own defaults
            words = [_additive(word) for word in overrides if key_of(word)[0] != "persona"]
            composed = hydra.compose(name, overrides=words)
        plain: Any = OmegaConf.to_container(composed, resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(path="configuration", what=first_line(error)) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{mark.name}:{mark.line + 1}" if mark else "configuration"
        what = getattr(error, "problem", None) or first_line(error)
        raise ConfigError(path=where, what=f"not YAML: {what}") from error
    except RecursionError as error:
        what = "a defaults list that names itself"
        raise ConfigError(path="configuration", what=what) from error
    for word in overrides:
        key, value = key_of(word)
        if key == "persona":  # a name or a path: no Hydra group, though its folder looks like one
            plain["persona"] = value
    return plain


def key_of(override: str) -> tuple[str, str]:
    """The key and value of one ``key=value`` word. Raises ``ConfigError`` if it is none."""
    try:
        parsed = OverridesParser.create().parse_override(override)
    except HydraException as error:
        raise ConfigError(
            path=override, what=first_line(error), remedy="write key=value, as in bot.seats=2"
        ) from error
    if not parsed.key_or_group:
        raise ConfigError(path=override, what="no key", remedy="write key=value, as in bot.seats=2")
    if parsed.is_sweep_override():
        remedy = "give one, or quote the comma"
        raise ConfigError(path=parsed.key_or_group, what="several values", remedy=remedy)
    return parsed.key_or_group, str(parsed.value())


def first_line(error: Exception) -> str:
    """What Hydra means, without its many lines."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _additive(override: str) -> str:
    """Keys are checked against the models; a user's own parley.yaml need not hold them all."""
    key, _ = key_of(override)
    return override if key == "bot" or override[0] in "+~" else f"++{override}"


@contextmanager
def _search(config_dir: Path | None) -> Iterator[None]:
    # The public initialize_* functions can only put a user's folder behind ours.
    path = create_config_search_path(PACKAGED)
    if config_dir is not None:
        path.prepend("user", f"file://{config_dir.resolve()}", "main")
    GlobalHydra.instance().clear()
    hydra.version.setbase("1.3")
    try:
        Hydra.create_main_hydra2(task_name="parley", config_search_path=path)
        yield
    finally:
        GlobalHydra.instance().clear()
