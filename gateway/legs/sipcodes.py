"""What a SIP status means for who called or registered, in words (RFC 3261 §21). Pure."""

from __future__ import annotations

_CALLED = {
    401: "asks for a password: set sip.outbound.account",
    403: "does not allow the call",
    404: "knows no such number",
    407: "asks for a password: set sip.outbound.account",
    408: "cannot be reached, or does not answer",
    480: "is not there",
    484: "says that the number is not complete",
    486: "is busy",
    487: "ended the call before it was answered",
    488: "has no codec in common with us",
    502: "cannot be reached",
    503: "cannot be reached, or takes no calls now",
    600: "is busy",
    603: "declined",
    604: "knows no such number",
}
_REGISTERED = {
    401: "the password is not the right one, or the challenge is not of that realm and host",
    403: "the registrar does not want this user",
    404: "the registrar does not know this user",
    407: "the password is not the right one, or the challenge is not of that realm and host",
    408: "the registrar does not answer: check its address, and the way to it",
    423: "the registrar wants a longer expires_s",
    502: "the registrar cannot be reached: check its address, and the way to it",
    503: "the registrar cannot be reached, or is overloaded",
}
_REDIRECTED = "sends us elsewhere, where we do not go"


def refused(code: int) -> str:
    """Of a call that we dialled: what the far end does."""
    if 300 <= code < 400:
        return _REDIRECTED
    return _CALLED.get(code, "did not take the call")


def unregistered(code: int) -> str:
    """Of a registration: what is wrong, and where to look."""
    return _REGISTERED.get(code, "ask who runs the registrar")
