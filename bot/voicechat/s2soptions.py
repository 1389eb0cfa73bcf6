"""What a stream may ask for, in NeMo's names where it has one."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from numbers import Real

from bot.voicechat.model import CallOptions, VoiceChat
from bot.voicechat.options import OptionError, SamplingOptions
from bot.voicechat.turnpolicy import TurnPolicy, preset


@dataclass(frozen=True, slots=True)
class S2SRequestOptions:
    """Of one stream, given with its first frame; None is the pipeline's default, and where that is
    None too, what the field says.

    NeMo has the first four. Raises ``OptionError`` for what is out of range.
    """

    system_prompt: str | None = None
    """None and blank: no prompt."""
    top_p: float | None = None
    """In (0, 1]. None: 1. If this and the next two are 1, or the temperature is 0, the likeliest
    token is taken, as in NeMo."""
    temperature: float | None = None
    """0 or above. None: 1."""
    repetition_penalty: float | None = None
    """Above 0. None: 1."""
    seed: int | None = None
    """Of tokens and sound; its lower 64 bits count. None: 0."""
    voice: str | None = None
    """A speaker of the checkpoint (NeMo's ``speaker_name``). None: the config's."""
    turn_taking: TurnPolicy | str | None = None
    """A policy or the name of a preset. None: what the checkpoint's config says."""

    def __post_init__(self) -> None:
        for name in ("system_prompt", "voice"):
            self._must(name, str, wanted="text")
        for name in ("top_p", "temperature", "repetition_penalty"):
            self._must(name, Real, wanted="a number")
        self._must("seed", int, wanted="a whole number")
        self._must("turn_taking", (str, TurnPolicy), wanted="a preset's name or a policy")
        SamplingOptions.new(1).set_row(0, **self._sampling())
        self._policy()

    def fill_defaults(self, defaults: S2SRequestOptions) -> S2SRequestOptions:
        """These, and ``defaults`` where there is None."""
        missing = [one.name for one in fields(self) if getattr(self, one.name) is None]
        return replace(self, **{name: getattr(defaults, name) for name in missing})

    def call_options(self, model: VoiceChat) -> CallOptions:
        """As ``model`` takes them."""
        return CallOptions(
            prompt=model.prompt_ids(self.system_prompt or ""),
            greedy=False,
            **self._sampling(),
            seed=0 if self.seed is None else self.seed,
            turns=self._policy(),
            voice=self.voice,
        )

    def _sampling(self) -> dict[str, float]:
        given = {
            "top_p": self.top_p,
            "temperature": self.temperature,
            "repetition_penalty": self.repetition_penalty,
        }
        return {name: 1.0 if value is None else float(value) for name, value in given.items()}

    def _policy(self) -> TurnPolicy | None:
        return preset(self.turn_taking) if isinstance(self.turn_taking, str) else self.turn_taking

    def _must(self, name: str, kind: type | tuple[type, ...], *, wanted: str) -> None:
        value = getattr(self, name)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise OptionError(name=name, value=value, wanted=wanted)
