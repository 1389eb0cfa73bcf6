"""What comes out of a stream, step by step and in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.voicechat.model import VoiceChat
from bot.voicechat.seating import FrameOut
from bot.voicechat.text import TextStream, joined
from bot.voicechat.timestamps import stamped

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class S2SCapabilities:
    """What the checkpoint has. The caller's words come from the ASR head, else from the RNN-T."""

    has_asr_head: bool
    has_function_head: bool
    has_rnnt: bool

    @classmethod
    def of(cls, model: VoiceChat) -> S2SCapabilities:
        """Of a loaded model."""
        thinker = model.config.thinker
        return cls(thinker.asr_head, thinker.function_head, model.rnnt is not None)


@dataclass(frozen=True, slots=True, eq=False)
class GenerateStepOutput:
    """What one frame of a stream's sound has brought: deltas, to be put behind those before.

    ``audio`` float32 [1764 n] in [-1, 1] at 22 050 Hz, [0] if nothing is said aloud. Tokens are
    one for each of the ``n`` model frames, ``pieces`` the RNN-T's of each.
    """

    stream_id: int
    audio: Floats
    text: str = ""
    """The agent's, ``<s>`` and ``</s>`` around its turns."""
    asr_text: str = ""
    """The caller's."""
    function_text: str = ""
    text_tokens: tuple[int, ...] = ()
    asr_tokens: tuple[int, ...] = ()
    function_tokens: tuple[int, ...] = ()
    pieces: tuple[tuple[int, ...], ...] = ()


class Transcript:
    """One stream's tokens as text: see ``TextStream``, which holds unfinished letters back."""

    def __init__(self, model: VoiceChat) -> None:
        self._asr_head = model.config.thinker.asr_head
        self._pieces = () if model.rnnt is None else model.rnnt.config.pieces
        self._text, self._asr, self._function = (
            TextStream(model.tokenizer, model.ids) for _ in range(3)
        )

    def told(
        self, stream_id: int, frames: Sequence[FrameOut], *, last: bool = False
    ) -> GenerateStepOutput:
        """What ``frames`` add; with the ``last``, what was held back, too."""
        sound = [frame.pcm for frame in frames if frame.pcm is not None]
        text = tuple(frame.text for frame in frames)
        asr = tuple(frame.asr for frame in frames)
        function = tuple(frame.function for frame in frames)
        pieces = tuple(frame.pieces for frame in frames)
        heard = _pushed(self._asr, asr, last=last) if self._asr_head else self._joined(pieces)
        return GenerateStepOutput(
            stream_id=stream_id,
            audio=np.concatenate(sound) if sound else np.zeros(0, np.float32),
            text=_pushed(self._text, text, last=last),
            asr_text=heard,
            function_text=_pushed(self._function, function, last=last),
            text_tokens=text,
            asr_tokens=asr,
            function_tokens=function,
            pieces=pieces,
        )

    def _joined(self, pieces: Sequence[Sequence[int]]) -> str:
        return joined([self._pieces[piece] for frame in pieces for piece in frame])


def _pushed(stream: TextStream, tokens: Sequence[int], *, last: bool) -> str:
    return "".join([*map(stream.push, tokens), stream.flush() if last else ""])


class S2SStreamingOutput:
    """All that a stream has said: ``append`` its steps in their order.

    What is asked of it is put together then, from all that came so far. ``error`` is why the stream
    ended before its input did; what came until then is here all the same. ``audio_filepath`` is for
    whoever writes the sound to a file.
    """

    def __init__(self, stream_id: int, model: VoiceChat) -> None:
        self.stream_id, self._model = stream_id, model
        self.capabilities = S2SCapabilities.of(model)
        self.error: Exception | None = None
        self.audio_filepath: str | None = None
        self.token_text: list[int] = []
        """The agent's tokens, one a frame; so are the next two (PAD without that head)."""
        self.token_asr: list[int] = []
        self.token_function: list[int] = []
        self.token_rnnt: list[tuple[int, ...]] = []
        """The RNN-T's pieces of each frame."""
        self._audio: list[Floats] = []
        self._texts: dict[str, list[str]] = {"text": [], "asr": [], "function": []}

    def append(self, step: GenerateStepOutput) -> None:
        """Sound or none: text is kept in any case."""
        self._audio.append(step.audio)
        self._texts["text"].append(step.text)
        self._texts["asr"].append(step.asr_text)
        self._texts["function"].append(step.function_text)
        self.token_text += step.text_tokens
        self.token_asr += step.asr_tokens
        self.token_function += step.function_tokens
        self.token_rnnt += step.pieces

    @property
    def token_length(self) -> int:
        """Frames so far, of 80 ms."""
        return len(self.token_text)

    @property
    def audio(self) -> Floats:
        """Float32 [1764 × frames] at 22 050 Hz, 8 samples late; [0] if nothing is said aloud."""
        if len(self._audio) != 1:
            self._audio = [np.concatenate([np.zeros(0, np.float32), *self._audio])]
        return self._audio[0]

    @property
    def text(self) -> str:
        """The agent's, ``<s>`` and ``</s>`` around its turns."""
        return "".join(self._texts["text"])

    @property
    def asr_text(self) -> str:
        """The caller's."""
        return "".join(self._texts["asr"])

    @property
    def function_text(self) -> str:
        """Of the function channel, with the marks of calls and responses."""
        return "".join(self._texts["function"])

    @property
    def raw_text(self) -> str:
        """The agent's with the pads."""
        return self._raw(self.token_text)

    @property
    def raw_asr_text(self) -> str:
        """The ASR head's with the pads; of the RNN-T, which has none, the text."""
        return self._raw(self.token_asr) if self.capabilities.has_asr_head else self.asr_text

    @property
    def raw_function_text(self) -> str:
        """The function channel's with the pads."""
        return self._raw(self.token_function)

    @property
    def text_with_timestamps(self) -> str:
        """See ``timestamps.stamped``."""
        return stamped(self.token_text, self._model.tokenizer, self._model.ids)

    @property
    def timed_text(self) -> list[tuple[int, str]]:
        """Frame and token, as the tokenizer writes it, of all that are no pad."""
        return self._timed(self.token_text)

    @property
    def timed_function(self) -> list[tuple[int, str]]:
        """The same of the function channel."""
        return self._timed(self.token_function)

    @property
    def timed_asr(self) -> list[tuple[int, str]]:
        """The same of the caller's words, or of the RNN-T's pieces."""
        if self.capabilities.has_asr_head or self._model.rnnt is None:
            return self._timed(self.token_asr)
        names, frames = self._model.rnnt.config.pieces, enumerate(self.token_rnnt)
        return [(frame, names[piece]) for frame, pieces in frames for piece in pieces]

    def _timed(self, tokens: Sequence[int]) -> list[tuple[int, str]]:
        name, pad = self._model.tokenizer.id_to_token, self._model.ids.pad
        return [(frame, name(one) or "") for frame, one in enumerate(tokens) if one != pad]

    def _raw(self, tokens: Sequence[int]) -> str:
        stream = TextStream(self._model.tokenizer, self._model.ids, show_pad=True)
        return _pushed(stream, tokens, last=True)
