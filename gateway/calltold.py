"""What ``parley call`` says of its call as it goes on."""

from __future__ import annotations

from rich.console import Console

from bot.facts import Speaker
from bot.transcript import Transcript
from gateway.call import Call
from gateway.legs.sipprotocol import Progress
from gateway.outcome import Outcome
from media.frame import MEDIA_RATE
from media.timeline import Entry

SETTLED = 2 * MEDIA_RATE  # so long after its end nothing is added to an utterance


class CallTold:
    """Prints to ``console``: progress, each utterance a moment after its end, the outcome."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._transcript = Transcript()
        self._printed: set[tuple[Speaker, int]] = set()
        self._rang = False
        self.answered = False

    def dialling(self, uri: str) -> None:
        """The call goes out."""
        self._say(f"calling {uri}")

    def progress(self, progress: Progress) -> None:
        """What the far end says before it answers."""
        if progress.code in (180, 183) and not self._rang:
            self._rang = True
            self._say("ringing")

    def fact(self, entry: Entry) -> None:
        """A fact of the call, as it is noted."""
        self._transcript.add(entry)
        if entry.type == "answer":
            self.answered = True
            self._say("answered")
        elif entry.type in ("words", "turn"):
            self._tell(until=entry.at - SETTLED)

    def hung_up(self) -> None:
        """We were asked to stop."""
        self._tell()
        self._say("hung up")

    def over(self, call: Call, outcome: Outcome) -> None:
        """The call has ended."""
        self._tell()
        self._say(f"ended: {outcome}")
        if call.folder is not None:
            self._say(f"kept in {call.folder}")

    def _tell(self, *, until: int | None = None) -> None:
        for line in self._transcript.utterances():
            key = line.speaker, line.start
            if key in self._printed or (until is not None and line.end > until):
                continue
            self._printed.add(key)
            self._say(f"{line.start / MEDIA_RATE:7.1f} s  {line.speaker}: {line.text}")

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)
