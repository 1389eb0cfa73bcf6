"""A network of one's own, so that tests that run side by side never meet at a port."""

from __future__ import annotations

import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000  # linux/sched.h; os.unshare came with Python 3.12


def leave_for_own() -> None:
    """From now on this thread, and all that it starts, see a network of their own.

    It has a loopback and an address that leads nowhere: baresip is not content with a loopback.
    Raises ``OSError`` without the right to (root, or CAP_SYS_ADMIN).
    """
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, f"no network of its own: {os.strerror(number)}")
    for words in (
        "link add own0 type veth peer name own1",
        "address add 198.51.100.1/24 dev own0",  # RFC 5737: nobody's
        "link set own0 up",
        "link set own1 up",
        "link set lo up",
    ):
        subprocess.run(["ip", *words.split()], check=True)
