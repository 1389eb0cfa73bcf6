"""Prompts taken once, for all calls that begin with the same one."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from bot.voicechat.model import CallOptions, Prepared, VoiceChat

KEPT = 4
"""Of the released model each takes about 190 MB."""


class Prefilled:
    """The last few. What is random in a call is no part of it: seeds are set when it begins."""

    def __init__(self, model: VoiceChat, *, length: int) -> None:
        self._model, self._length = model, length
        self._kept: OrderedDict[CallOptions, Prepared] = OrderedDict()

    def has(self, options: CallOptions) -> bool:
        """Whether ``of`` would take no time."""
        return replace(options, seed=0) in self._kept

    def of(self, options: CallOptions) -> Prepared:
        """A call right before its first frame. Raises what ``VoiceChat.prepared`` does."""
        options = replace(options, seed=0)
        if options not in self._kept:
            self._kept[options] = self._model.prepared(options, self._length)
        self._kept.move_to_end(options)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[options]
