"""What can be wrong with a checkpoint or with what is asked of the model."""

from __future__ import annotations

from bot.errors import BotError


class CheckpointError(BotError):
    """``where`` (a file, and a key or tensor in it) is not as it must be; ``what`` says how."""

    def __init__(self, *, where: str, what: str, remedy: str = "") -> None:
        self.where, self.what, self.remedy = where, what, remedy
        super().__init__(f"{where}: {what}" + (f"; {remedy}" if remedy else ""))
