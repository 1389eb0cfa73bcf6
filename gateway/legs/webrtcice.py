"""Our own addresses for ICE: which are gathered, and what is said when a server gives none.

On ``aioice`` inside ``aiortc``, which takes an address it did not get for one there is not: a wrong
password of a TURN server would be noticed by callers alone, as calls that do not come about.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import logging
from collections.abc import Callable
from typing import Any

from aioice import Candidate, stun, turn

logger = logging.getLogger(__name__)
GATHER_S = 2.0  # a caller waits so long, at the most, for servers that do not answer
WHY_S = 0.5  # and so much longer to learn why
LATE, LATE_S = 50, 0.02  # looks at a search that is being ended; it looks up as often itself


def gather_from(connection: Any, *, host: str) -> None:
    """Of our own addresses ``host`` alone, which may be loopback; all but loopback if it is any."""
    connection.get_component_candidates = functools.partial(
        _gather, connection, connection.get_component_candidates, host=host
    )


async def _gather(
    connection: Any,
    gather: Callable[..., Any],
    *,
    host: str,
    component: int,
    addresses: list[str],
) -> list[Candidate]:
    if not ipaddress.ip_address(host).is_unspecified:
        addresses = [host] if addresses or ipaddress.ip_address(host).is_loopback else []
    found: list[Candidate] = await gather(
        component=component, addresses=addresses, timeout=GATHER_S
    )
    kinds = {one.type for one in found}
    asked = any(one.type == "host" and ":" not in one.host for one in found)  # in IPv4 alone
    if connection.stun_server is not None and asked and "srflx" not in kinds:
        where = "{}:{}".format(*connection.stun_server)
        logger.warning("webrtc.ice_servers: no address from stun:%s: no answer", where)
    if connection.turn_server is not None and "relay" not in kinds:
        where = "{}:{}".format(*connection.turn_server)
        why = await _why_no_relay(connection)
        logger.warning("webrtc.ice_servers: no relay at turn:%s: %s", where, why)
    return found


async def _why_no_relay(connection: Any) -> str:
    """Asks the server once more, for the library has thrown away what it said."""
    try:
        async with asyncio.timeout(WHY_S):
            transport, _ = await turn.create_turn_endpoint(
                asyncio.DatagramProtocol,
                server_addr=connection.turn_server,
                username=connection.turn_username,
                password=connection.turn_password,
                ssl=connection.turn_ssl,
                transport=connection.turn_transport,
            )
    except stun.TransactionFailed as error:
        code, phrase = error.response.attributes.get("ERROR-CODE", (0, "refused"))
        wrong = "; are its name and its password, or its secret, right?" if code == 401 else ""
        return f"{code} {phrase[:80]!a}{wrong}"
    except (TimeoutError, stun.TransactionTimeout):
        return "no answer"
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    transport.close()
    return "it came too late"


async def close_late(ice: Any) -> None:
    """An ``RTCIceTransport`` is closed once more after its search.

    That may have just found a way, and kept on asking: such a connection would ask for consent
    every five seconds for as long as the process lives.
    """
    for _ in range(LATE):
        if ice.state != "closed":  # the search has told how it went, though nobody listens
            break
        await asyncio.sleep(LATE_S)
    await ice._connection.close()
