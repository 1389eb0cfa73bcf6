"""The persona's own sentences, as this engine has them said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.dialogue.wording import worded
from bot.persona import from_plain

GOODBYE = "Thank you for calling. Goodbye."


@dataclass(frozen=True, slots=True)
class Lines:
    """Empty where there is nothing to say."""

    greeting: str = ""
    interruptible: bool = True
    """Whether the caller may stop the greeting."""
    goodbye: str = GOODBYE
    no_input: tuple[str, ...] = ("Are you still there?",)

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Lines:
        """Those of a validated persona as plain data. Raises ``PersonaError``."""
        if not plain:
            return cls()
        persona = from_plain(plain)
        values = {"name": persona.name, "company": persona.company}
        return cls(
            greeting=_said(persona.greeting, values),
            interruptible=persona.greeting_interruptible,
            goodbye=_first(persona.goodbye.say, values) or GOODBYE,
            no_input=tuple(_said(text, values) for text in persona.no_input),
        )

    def asked(self, count: int) -> str:
        """What is said when nobody speaks for the ``count``-th time, from 1."""
        return self.no_input[min(count, len(self.no_input)) - 1] if self.no_input else ""


def _said(text: str, values: Mapping[str, str]) -> str:
    """Sentences that want something else than ``values`` are left out."""
    return " ".join(worded(text, values))


def _first(texts: Sequence[str], values: Mapping[str, str]) -> str:
    return next((said for text in texts if (said := _said(text, values))), "")
