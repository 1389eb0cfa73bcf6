"""The root of Parley's error tree, and what can go wrong with samples and files.

Exceptions carry facts as fields and derive their text from them, so that nobody ever has to
read a message to find out what happened.
"""

from __future__ import annotations


def _revive(kind: type[ParleyError], args: tuple[object, ...], facts: dict[str, object]) -> object:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(facts)
    return error


class ParleyError(Exception):
    """Anything Parley raises on purpose. ``str()`` is one line fit for a person."""

    def __reduce__(self) -> tuple[object, ...]:
        """Cross to another process whole: keyword-only fields defeat the default."""
        return _revive, (type(self), self.args, self.__dict__)


class MediaError(ParleyError):
    """Samples, recordings and timelines."""


class FormatMismatch(MediaError):
    """Audio that is not what it must be, at the place named."""

    def __init__(self, *, where: str, what: str, remedy: str = "") -> None:
        self.where, self.what, self.remedy = where, what, remedy
        super().__init__(f"{where}: {what}" + (f"; {remedy}" if remedy else ""))


class TimelineCorrupt(MediaError):
    """A line of ``timeline.jsonl`` that does not parse. ``line`` counts from 1."""

    def __init__(self, *, where: str, line: int, why: str) -> None:
        self.where, self.line, self.why = where, line, why
        super().__init__(f"{where}, line {line}: {why}")


class RecorderBehind(MediaError):
    """The recorder could not write everything; ``lost`` counts samples of media time."""

    def __init__(self, *, where: str, why: str, lost: int = 0) -> None:
        self.where, self.why, self.lost = where, why, lost
        super().__init__(f"{where}: {why}" + (f" ({lost} samples lost)" if lost else ""))


class CodecMissing(MediaError):
    """A codec's library cannot be loaded. ``tried`` names the files."""

    def __init__(self, *, codec: str, tried: tuple[str, ...], why: str, remedy: str) -> None:
        self.codec, self.tried, self.why, self.remedy = codec, tried, why, remedy
        super().__init__(f"{codec}: no library in {', '.join(tried)}: {why}; {remedy}")


class CodecFault(MediaError):
    """A codec refused what it was given. ``code`` is the library's own."""

    def __init__(self, *, codec: str, doing: str, code: int, why: str) -> None:
        self.codec, self.doing, self.code, self.why = codec, doing, code, why
        super().__init__(f"{codec}, {doing}: {why} ({code})")
