"""Keys of a configuration: what each means and may be, and a plain tree read by them.

A section is a frozen dataclass whose annotations say all: ``Annotated[float, Key("…", POSITIVE)]``.
A field without a ``Key`` is none of the configuration's.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from bot.errors import BotError

UNSAID = "???"
"""How OmegaConf writes a value that somebody else must give."""

S = TypeVar("S")


class ConfigFault(BotError, ValueError):
    """``path`` is a key that cannot be used as it is; ``remedy``, if any, says what to do."""

    def __init__(self, *, path: str, what: str, remedy: str = "") -> None:
        self.path, self.what, self.remedy = path, what, remedy
        super().__init__(f"{path}: {what}" + (f"; {remedy}" if remedy else ""))


@dataclass(frozen=True, slots=True)
class Note:
    """A key that was accepted and does nothing here; ``why`` it need not, or cannot."""

    path: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}: ignored: {self.why}"


@dataclass(frozen=True, slots=True)
class Check:
    """What of a type is taken. ``wanted`` says it in words, after "is not"."""

    wanted: str
    passes: Callable[[Any], bool]
    remedy: str = ""
    tabled: bool = True
    """The table says it, as nobody would guess it."""


@dataclass(frozen=True, slots=True)
class Key:
    """A value of a section. ``None``, where the type has it, passes every check.

    ``ignored`` says why this engine has no use for it; a value other than the default is noted.
    """

    meaning: str
    check: Check | None = None
    unit: str = ""
    ignored: str = ""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A key in its place. ``default`` is ``UNSAID`` if there is none."""

    path: str
    kind: Any
    key: Key
    default: Any


def one_of(*names: str, remedy: str = "") -> Check:
    """Exactly these."""
    wanted = names[0] if len(names) == 1 else f"one of {', '.join(names)}"
    return Check(wanted, lambda value: value in names, remedy, tabled=len(names) > 1)


def leaves(section: Any, path: str = "") -> Iterator[Leaf]:
    """All keys in the order of the fields, those of sections within too."""
    hints = get_type_hints(section, include_extras=True)
    for one in fields(section):
        kind = hints[one.name]
        if is_dataclass(kind):
            yield from leaves(kind, f"{path}{one.name}.")
        elif keys := [extra for extra in get_args(kind)[1:] if isinstance(extra, Key)]:
            default = UNSAID if one.default is MISSING else one.default
            yield Leaf(path + one.name, get_args(kind)[0], keys[0], default)


def read_section(
    section: type[S], plain: Mapping[str, Any], *, root: type | None = None, path: str = ""
) -> S:
    """An instance of ``section`` from what is under ``path``; what is not said has its default.

    Any mapping will do, OmegaConf's too. ``root`` is where a nearest key is looked for. Raises
    ``ConfigFault``.
    """
    root = root or section
    here = {leaf.path: leaf for leaf in leaves(section, path)}
    hints = get_type_hints(section)
    tree, values = _tree(plain, path), dict[str, Any]()
    known = {one.removeprefix(path).partition(".")[0] for one in here}
    for name in tree:
        if name not in known:
            raise _unknown(f"{path}{name}", root)
    for name, kind in hints.items():
        full, given = f"{path}{name}", tree.get(name, UNSAID)
        if is_dataclass(kind):
            under = {} if given is None or given == UNSAID else given
            inner: Any = kind
            values[name] = read_section(inner, under, root=root, path=f"{full}.")
        elif full in here and (value := _value(here[full], given)) != UNSAID:
            values[name] = value
    return section(**values)


def notes(config: object, path: str = "") -> Iterator[Note]:
    """Of ignored keys that are not what they are by default."""
    for leaf in leaves(type(config), path):
        value: Any = config
        for name in leaf.path.removeprefix(path).split("."):
            value = getattr(value, name)
        if leaf.key.ignored and value != leaf.default:
            yield Note(leaf.path, leaf.key.ignored)


def table(section: type) -> str:
    """All keys in Markdown, a table for each section; one that is ignored whole is a row."""
    groups: dict[str, list[Leaf]] = {}
    for leaf in leaves(section):
        groups.setdefault(leaf.path.rpartition(".")[0], []).append(leaf)
    tables: dict[str, list[str]] = {}
    for path, found in groups.items():
        if all(leaf.key.ignored for leaf in found):
            row = f"| `{path}.*` | | | {len(found)} keys. Ignored: {found[0].key.ignored} |"
            tables[path.rpartition(".")[0]].append(row)
        else:
            tables[path] = [_row(leaf) for leaf in found]
    head = "| key | default | unit | meaning |\n|---|---|---|---|"
    return "\n\n".join("\n".join([head, *rows]) for rows in tables.values())


def shown(value: object) -> str:
    """As a configuration writes it, and no longer than it must be."""
    return json.dumps(value, default=str, ensure_ascii=False)[:60]


def _row(leaf: Leaf) -> str:
    key, default = leaf.key, shown(leaf.default).strip('"')
    meaning = key.meaning
    if key.check is not None and key.check.tabled:
        meaning += f" ({key.check.wanted})"
    if key.ignored:
        meaning += f". Ignored: {key.ignored}"
    unit = f" {key.unit} " if key.unit else " "
    default = "required" if leaf.default == UNSAID else default
    return f"| `{leaf.path}` | `{default}` |{unit}| {meaning} |"


def _tree(plain: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(plain, Mapping):
        where = path.rstrip(".") or "configuration"
        raise ConfigFault(path=where, what=f"keys must be under it, not {shown(plain)}")
    return plain


def _unknown(path: str, root: type) -> ConfigFault:
    paths = [leaf.path for leaf in leaves(root)]
    near = get_close_matches(path, paths, 1, 0.5)
    last = path.rpartition(".")[2]  # the right name in the wrong section comes first
    found = [one for one in paths if one.rpartition(".")[2] == last] or near
    remedy = f"did you mean {found[0]}?" if found else ""
    return ConfigFault(path=path, what="no such key", remedy=remedy)


def _value(leaf: Leaf, given: Any) -> Any:
    """``UNSAID`` if its default will do."""
    kinds = get_args(leaf.kind) if get_origin(leaf.kind) in (Union, UnionType) else (leaf.kind,)
    if given == UNSAID or (given is None and leaf.default == UNSAID):
        if leaf.default == UNSAID:
            wanted = leaf.key.meaning[0].lower() + leaf.key.meaning[1:]
            raise ConfigFault(path=leaf.path, what="missing", remedy=f"give {wanted}")
        return UNSAID
    if given is None and NoneType in kinds:
        return None
    for kind, (_, taken) in _KINDS.items():
        if kind in kinds and (value := taken(given)) is not None:
            check = leaf.key.check
            if check is not None and not check.passes(value):
                what = f"{shown(value)} is not {check.wanted}"
                raise ConfigFault(path=leaf.path, what=what, remedy=check.remedy)
            return value
    names = [words for kind, (words, _) in _KINDS.items() if kind in kinds]
    names += ["null"] if NoneType in kinds else []
    raise ConfigFault(path=leaf.path, what=f"{shown(given)} is not {' or '.join(names)}")


def _number(given: Any) -> float | None:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        return None
    return float(given) if abs(given) < 1e300 and math.isfinite(given) else None


def _pair(given: Any) -> tuple[int, ...] | None:
    if isinstance(given, str) or not isinstance(given, Sequence) or len(given) != 2:
        return None
    return tuple(given) if all(type(one) is int for one in given) else None


_KINDS: Mapping[Any, tuple[str, Callable[[Any], Any]]] = {
    bool: ("true or false", lambda given: given if isinstance(given, bool) else None),
    int: ("a whole number", lambda given: given if type(given) is int else None),
    float: ("a number", _number),
    str: (
        "a text",
        lambda given: os.fspath(given) if isinstance(given, str | os.PathLike) else None,
    ),
    tuple[int, int]: ("two whole numbers", _pair),
    object: ("anything", lambda given: given),
}
"""How a value of each type is told, and made; None if it is none. The narrower come first."""
