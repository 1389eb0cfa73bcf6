"""What every section of the settings is made of."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Text = Annotated[str, Field(pattern=r"\S")]


def _address(text: str) -> str:
    try:
        ipaddress.ip_address(text)
    except ValueError as error:
        raise ValueError(f"{error}; write an address, not a name, as in 192.0.2.1") from error
    return text


Address = Annotated[Text, AfterValidator(_address)]


class Section(BaseModel):
    """Frozen, and strict about names and types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
