"""Requests inside a call that pjsua2 hands over and then refuses: keys by INFO, OPTIONS.

Of INFO it answers ``application/dtmf-relay`` alone, and its Python half has no call to answer any
other request inside a call. The C functions with which it answers itself are exported, and called
here.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from gateway.legs import sipmessage

_KIND = "application/dtmf"
_EVENTS = {"10": "*", "11": "#"}  # by the numbers of RFC 4733


def key_of(text: str) -> str | None:
    """The key that an INFO request tells of, if it is of the kind that pjsua2 refuses."""
    request = sipmessage.parse(text)
    kinds = request.fields.get("content-type", ("",))
    if kinds[-1].partition(";")[0].strip().lower() != _KIND:
        return None
    said = request.body.strip().removeprefix("Signal=").split(maxsplit=1)
    key = _EVENTS.get(said[0], said[0].upper()) if said else ""
    return key if len(key) == 1 and key in "0123456789*#ABCD" else None


class Reply:
    """Says 200 to a request, while the library shows it in ``onCallTsxState``."""

    def __init__(self) -> None:
        place = next(m for name, m in sys.modules.items() if name.endswith("_pjsua2")).__file__
        self._library = library = ctypes.CDLL(place)
        library.pjsua_get_pjsip_endpt.restype = ctypes.c_void_p
        library.pjsip_endpt_create_response.argtypes = [
            ctypes.c_void_p,
            ctypes.c_void_p,
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        library.pjsip_tsx_send_msg.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        library.pjsip_tx_data_dec_ref.argtypes = [ctypes.c_void_p]

    def ok(self, transaction: Any, request: Any) -> bool:
        """Whether 200 went out. Both are the library's pointers, valid in the callback only."""
        library, message = self._library, ctypes.c_void_p()
        endpoint, asked = library.pjsua_get_pjsip_endpt(), int(request)
        if library.pjsip_endpt_create_response(endpoint, asked, 200, None, ctypes.byref(message)):
            return False
        if library.pjsip_tsx_send_msg(int(transaction), message):
            library.pjsip_tx_data_dec_ref(message)
            return False
        return True
