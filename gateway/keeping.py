"""Whether calls can be kept where the settings say, asked before one comes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from gateway.errors import CannotKeep


def check_writable(folder: Path, *, key: str) -> None:
    """Raises ``CannotKeep`` unless files can be made in ``folder``, which is made if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = error.strerror or str(error)
        raise CannotKeep(key=key, where=str(folder), why=why.lower()) from error
