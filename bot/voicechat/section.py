"""Reading ``config.json``: values by key, and errors that name the key's whole path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.voicechat.errors import CheckpointError

WHERE = "config.json"


class Section:
    """A part of the file that knows its path."""

    def __init__(self, values: Mapping[str, Any], path: str) -> None:
        self._values, self._path = values, path

    def section(self, key: str) -> Section:
        return Section(self._get(key, Mapping, "a section"), f"{self._path}{key}.")

    def get(self, key: str, default: Any) -> Any:
        value = self._values.get(key)
        return default if value is None else value

    def whole(self, key: str, default: int | None = None, *, least: int = 1) -> int:
        if default is not None and self._values.get(key) is None:
            return default
        value = int(self._get(key, int, "a whole number"))
        if value < least:
            raise self.wrong(key, f"must be {least} or more, not {value}")
        return value

    def number(self, key: str, default: float) -> float:
        if self._values.get(key) is None:
            return default
        return float(self._get(key, (int, float), "a number"))

    def flag(self, key: str, *, default: bool) -> bool:
        if self._values.get(key) is None:
            return default
        return bool(self._get(key, bool, "true or false"))

    def text(self, key: str, default: str | None = None) -> str:
        if default is not None and self._values.get(key) is None:
            return default
        return str(self._get(key, str, "a text"))

    def must(self, key: str, *allowed: object) -> Any:
        """One of ``allowed``, the first if nothing is said."""
        value = self.get(key, allowed[0])
        if value not in allowed:
            raise self.wrong(key, f"{value!r} is not supported, only {_either(allowed)}")
        return value

    def wholes(self, key: str) -> tuple[int, ...]:
        """A list of whole numbers above 0."""
        values = self._get(key, list, "a list of whole numbers")
        if not values or not all(type(one) is int and one > 0 for one in values):
            raise self.wrong(key, f"a list of whole numbers above 0, not {values!r}")
        return tuple(values)

    def demand(self, key: str, value: object) -> None:
        """It must be said, and be ``value``."""
        if self._values.get(key) != value:
            found = self._values.get(key)
            raise self.wrong(key, f"{found!r} is not supported, only {value!r}")

    def wrong(self, key: str, what: str) -> CheckpointError:
        return CheckpointError(where=f"{WHERE}: {self._path}{key}", what=what)

    def _get(self, key: str, kind: Any, wanted: str) -> Any:
        value = self._values.get(key)
        if value is None:
            raise self.wrong(key, "missing")
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.wrong(key, f"{wanted}, not {value!r}")
        return value


def _either(allowed: tuple[object, ...]) -> str:
    return " or ".join(repr(one) for one in allowed)
