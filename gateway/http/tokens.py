"""Who may do what: bearer tokens, of which only hashes are kept."""

from __future__ import annotations

import hashlib
import hmac
import json
import stat
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from gateway.errors import ConfigError
from gateway.ports import is_loopback
from gateway.section import Section, Text
from gateway.serveconfig import HttpConfig

REMEDY = "see docs/http.md for how a token is made"


class Scope(StrEnum):
    """What a token allows. ``admin`` allows all."""

    READ = "read"  # look at calls, hear them, follow events and figures
    CALL = "call"  # make calls, and end those
    ADMIN = "admin"  # end anybody's call


class TokenConfig(Section):
    """One token as its file has it; ``name`` is for people, ``sha256`` of its UTF-8 bytes."""

    name: Text
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]


class Tokens:
    """All tokens that are good. A token is random: its hash needs no salt and no stretching."""

    def __init__(self, known: Sequence[TokenConfig]) -> None:
        self._known = [(bytes.fromhex(one.sha256), frozenset(one.scopes)) for one in known]

    def scopes(self, token: str) -> frozenset[Scope] | None:
        """Of that token, ``None`` if it is not known.

        Takes as long for one token as for another: all are compared, each in constant time.
        """
        given = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        found: frozenset[Scope] | None = None
        for digest, scopes in self._known:
            if hmac.compare_digest(digest, given):
                found = scopes
        return found


def tokens_for(http: HttpConfig) -> Tokens | None:
    """Those of the settings; ``None`` if loopback goes without. Raises ``ConfigError``."""
    if http.tokens_file is not None:
        return load(Path(http.tokens_file))
    if is_loopback(http.host):
        return None
    raise ConfigError(
        path="http.host",
        what=f"{http.host} can be reached by others, and nothing says who may ask",
        remedy="set http.tokens_file (docs/http.md), or http.host=127.0.0.1",
    )


def load(path: Path) -> Tokens:
    """Read a tokens file: a YAML list of ``name``, ``sha256``, ``scopes``.

    Raises ``ConfigError``.
    """
    where = f"http.tokens_file {path}"
    try:
        if path.stat().st_mode & stat.S_IWOTH:
            what = "everybody on this machine can add a token to it"
            raise ConfigError(path=where, what=what, remedy=f"chmod o-w {path}")
        plain = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(path=where, what=error.strerror or str(error), remedy=REMEDY) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(path=where, what="not YAML", remedy=REMEDY) from error
    try:
        # JSON mode, as for all settings: lists become tuples, words become scopes.
        text = json.dumps([] if plain is None else plain, default=str)
        known = TypeAdapter(list[TokenConfig]).validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        # Never what was given there: it may be a token that somebody forgot to hash.
        what = f"{place}: {first['msg']}".lstrip(": ").lower()
        raise ConfigError(path=where, what=what, remedy=REMEDY) from error
    except (TypeError, ValueError) as error:  # keys that are dates, lists that hold themselves
        raise ConfigError(path=where, what="no list of tokens", remedy=REMEDY) from error
    if not known:
        raise ConfigError(path=where, what="no token", remedy=REMEDY)
    return Tokens(known)
