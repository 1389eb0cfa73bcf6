"""What is asked of ``bot=voicechat``, as plain data: it crosses to the engine's process."""

from __future__ import annotations

from dataclasses import dataclass

AUTO = "auto"
RELEASED = "nvidia/NVIDIA-NemotronLabs-VoiceChat-11B"


@dataclass(frozen=True, slots=True)
class VoiceChatChoice:
    """``model`` is a folder or a hub id. ``device`` and ``dtype`` (of the mind) ``auto``: the first
    GPU and bfloat16, or the CPU and float32. ``memory`` is the dtype of the talker's keys and
    values. ``guidance`` of None is the checkpoint's, 0 none at all.

    Sampling's defaults are those of NeMo's streaming pipeline. ``turn_taking`` names a preset of
    ``bot.voicechat.turnpolicy``.

    Frames are positions of a row's memory, 80 ms each, the prompt's tokens included: from
    ``rollover_frames`` on the row starts afresh in the agent's next silence, at ``longest_frames``
    the bot says goodbye. ``watchdog``: a model that babbles, loops or falls silent is started
    afresh, too.
    """

    model: str = RELEASED
    device: str = AUTO
    dtype: str = AUTO
    memory: str = "float32"
    guidance: float | None = None
    greedy: bool = False
    top_p: float = 0.5
    temperature: float = 0.3
    repetition_penalty: float = 1.1
    turn_taking: str = "native"
    rollover_frames: int = 1450
    longest_frames: int = 1600
    watchdog: bool = True
