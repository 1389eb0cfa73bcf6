"""The model's channels of one row as text: ids in, what they add out."""

from __future__ import annotations

from bot.voicechat.model import VoiceChat
from bot.voicechat.seating import FrameOut
from bot.voicechat.text import TextStream, joined


class Channels:
    """One row's. Letters that are spread over several frames come whole."""

    def __init__(self, model: VoiceChat) -> None:
        self._model = model
        self.clear()

    def clear(self) -> None:
        """Before a row's first frame."""
        self._agent = TextStream(self._model.tokenizer, self._model.ids)
        self._caller = TextStream(self._model.tokenizer, self._model.ids)

    def tokens(self, text: str) -> tuple[int, ...]:
        """A sentence as the agent's channel has it."""
        return tuple(self._model.tokenizer.encode(text, add_special_tokens=False).ids)

    def agent(self, token: int) -> str:
        """What the agent's token adds. Turns' ends are no text."""
        if token in (self._model.ids.bos, self._model.ids.eos):
            return self._agent.flush()
        return self._agent.push(token)

    def caller(self, out: FrameOut) -> str:
        """What the frame added to the caller's text: the RNN-T's pieces, or the ASR head's token.

        Nothing if the checkpoint has neither.
        """
        if self._model.rnnt is not None:
            pieces = self._model.rnnt.config.pieces
            return joined([pieces[one] for one in out.pieces])
        ids = self._model.ids
        if out.asr in (*ids.caller_begins, *ids.caller_ends):
            return self._caller.flush()
        return self._caller.push(out.asr)
