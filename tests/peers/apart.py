"""A network namespace with a loopback and nothing else, for programs that are started in it.

What calls there reaches nothing outside, and nothing outside reaches it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import cache

# Root makes one as it is; anybody else needs a user namespace around it (user_namespaces(7)).
_MAKE = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
_ENTER = ["--net"] if os.geteuid() == 0 else ["--user", "--preserve-credentials", "--net"]
_HOLD = "ip link set lo up && echo up && exec cat"  # until its input is closed: by us, or our end


@cache
def can_be_apart() -> bool:
    """Whether this machine lets us make one."""
    if not all(map(shutil.which, ("unshare", "nsenter", "ip"))):
        return False
    made = subprocess.run(
        [*_MAKE, "sh", "-c", _HOLD], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return made.returncode == 0


@asynccontextmanager
async def apart() -> AsyncIterator[Sequence[str]]:
    """One that lasts as long; what is put before a command to run it there."""
    pipe = asyncio.subprocess.PIPE
    holder = await asyncio.create_subprocess_exec(
        *_MAKE, "sh", "-c", _HOLD, stdin=pipe, stdout=pipe
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        async with asyncio.timeout(10):
            assert await holder.stdout.readline() == b"up\n"
        yield ["nsenter", f"--target={holder.pid}", *_ENTER]
    finally:
        holder.stdin.close()
        await holder.wait()
