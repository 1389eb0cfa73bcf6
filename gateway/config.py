"""Settings, read once: Hydra composes the YAML, pydantic checks it, everything below is frozen."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, Self

from pydantic import BaseModel, Field, ValidationError, model_validator

from bot.engines import NAMES
from bot.persona import Persona
from bot.policy import Limits
from gateway.botconfig import PER_MS, BotConfig
from gateway.compose import compose, key_of
from gateway.errors import ConfigError
from gateway.section import NotNegative, Positive, Section, Text
from gateway.serveconfig import AdmissionConfig, DrainConfig, HttpConfig, RouteConfig
from gateway.sipconfig import SipConfig
from gateway.webrtcconfig import WebRtcConfig
from media.frame import MEDIA_RATE

Fidelity = Literal["ideal", "timed", "fed"]
Pace = Literal["virtual", "live"]


class PlayoutConfig(Section):
    """The reserve of bot audio."""

    depth_ms: Annotated[int, Field(ge=0, le=1000)] = 60


class LimitsConfig(Section):
    """Bounds of a call; ``None`` leaves it to the persona."""

    no_input_ms: Positive | None = None
    no_input_prompts: NotNegative | None = None
    longest_call_s: Positive | None = None
    farewell_ms: Positive = 10_000

    def limits(self, persona: Persona) -> Limits:
        """In samples; what is not set here the persona says."""
        prompts = self.no_input_prompts
        return Limits(
            no_input=(self.no_input_ms or persona.limits.no_input_ms) * PER_MS,
            no_input_prompts=len(persona.no_input) if prompts is None else prompts,
            longest=(self.longest_call_s or persona.limits.longest_call_s) * MEDIA_RATE,
            farewell=self.farewell_ms * PER_MS,
        )


class RecordingConfig(Section):
    """Where calls are kept."""

    enabled: bool = True
    dir: Text = "calls"
    timing: bool = False


class ReplayConfig(Section):
    """Bounds of a replay."""

    tail_seconds: NotNegative = 15
    max_minutes: Positive = 120
    calls: Positive = 1


class ParleyConfig(Section):
    """All settings."""

    bot: BotConfig
    persona: str = "receptionist"
    seed: NotNegative = 0
    playout: PlayoutConfig = PlayoutConfig()
    limits: LimitsConfig = LimitsConfig()
    recording: RecordingConfig = RecordingConfig()
    replay: ReplayConfig = ReplayConfig()
    sip: SipConfig = SipConfig()
    webrtc: WebRtcConfig = WebRtcConfig()
    http: HttpConfig = HttpConfig()
    admission: AdmissionConfig = AdmissionConfig()
    routes: tuple[RouteConfig, ...] = ()
    drain: DrainConfig = DrainConfig()

    @model_validator(mode="after")
    def _one_engine(self) -> Self:
        for place, route in enumerate(self.routes):
            if route.bot is not None and route.bot != self.bot.name:
                raise ConfigError(
                    path=f"routes.{place}.bot",
                    what=f"not {route.bot}: a process runs one engine, here {self.bot.name}",
                    remedy="start a second gateway for the other",
                )
        return self

    def of_route(self, place: int) -> ParleyConfig:
        """These settings as the calls of a route have them. ``place`` is that in ``routes``."""
        if not self.routes:
            return self
        route = self.routes[place]
        limits = route.limits.model_dump(exclude_none=True)
        recorded = self.recording.enabled if route.recording is None else route.recording
        return self.model_copy(
            update={
                "persona": route.persona or self.persona,
                "limits": self.limits.model_copy(update=limits),
                "recording": self.recording.model_copy(update={"enabled": recorded}),
            }
        )

    def sha256(self, persona: Persona) -> str:
        """Of what shapes a call, the persona's text included.

        Left out: paths, and what decides whether there is a call or a recording at all.
        """
        outside = {"persona", "sip", "webrtc", "http", "admission", "routes", "drain"}
        plain = self.model_dump(
            mode="json",
            exclude={"recording": {"dir", "enabled"}, **dict.fromkeys(outside, True)},
        )
        plain["persona"] = persona.model_dump(mode="json")
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def load(overrides: Sequence[str], *, config_dir: Path | None = None) -> ParleyConfig:
    """Compose and check. Raises ``ConfigError`` naming the key and the nearest valid name."""
    for override in overrides:
        _check_key(override, config_dir)
    return _validated(compose(overrides, config_dir=config_dir))


class Account(Protocol):
    """Something that has exactly one password."""

    @property
    def password_env(self) -> str | None:
        """The variable that holds it."""

    @property
    def password_file(self) -> str | None:
        """The file that holds it."""


def password_of(account: Account, *, path: str) -> str:
    """What only the environment or a file says. Raises ``ConfigError``; ``path`` is its key."""
    return secret_of("password", env=account.password_env, file=account.password_file, path=path)


def secret_of(name: str, *, env: str | None, file: str | None, path: str) -> str:
    """What the variable ``env`` or the file ``file`` says: never settings. ``path`` is its key.

    Raises ``ConfigError``.
    """
    if env is not None:
        key, secret, what = f"{name}_env", os.environ.get(env, ""), f"the environment has no {env}"
    else:
        key, what = f"{name}_file", f"{file} is empty"
        try:
            secret = Path(file or "").read_text(encoding="utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            secret, what = "", f"cannot read {file}: {_told(error)}"
    if not secret:
        remedy = f"put the {name} there, and nowhere in the settings"
        raise ConfigError(path=f"{path}.{key}", what=what, remedy=remedy)
    return secret


def _told(error: OSError | UnicodeDecodeError) -> str:
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror or str(error)


def _validated(plain: Any) -> ParleyConfig:
    try:
        # JSON mode: YAML lists become tuples, while numbers stay strictly numbers.
        return ParleyConfig.model_validate_json(json.dumps(plain))
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        # What a section of ours says of itself keeps its capitals, and loses pydantic's preface.
        ours = first["msg"].partition("Value error, ")[2]
        what = "no such key" if first["type"] == "extra_forbidden" else ours or first["msg"].lower()
        if first["type"] == "extra_forbidden":
            raise ConfigError(path=path, what=what, remedy=_nearest(path)) from error
        given = json.dumps(first["input"], default=str)[:60]
        raise ConfigError(path=path, what=f"{what}, not {given}") from error


def _check_key(override: str, config_dir: Path | None) -> None:
    key, value = key_of(override)
    if key not in set(_names(ParleyConfig)):
        raise ConfigError(path=key, what="no such key", remedy=_nearest(key))
    own = config_dir is not None and (config_dir / "bot" / f"{value}.yaml").exists()
    if key == "bot" and not own:
        _check_engine(value)


def _check_engine(name: str) -> None:
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(NAMES)}"
        raise ConfigError(path="bot", what=f"no engine {name!r}", remedy=hint)


def _names(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield prefix + name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _names(field.annotation, f"{prefix}{name}.")


def _nearest(key: str) -> str:
    names = list(_names(ParleyConfig))
    near = difflib.get_close_matches(key, names, 1, 0.5)
    if not near:  # right leaf in the wrong section
        near = [name for name in names if name.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]][:1]
    return f"did you mean {near[0]}?" if near else "see docs/configuration.md"
