"""How PostgreSQL is met: it is asked for TLS, which it answers with one byte before anybody logs in.

https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL. A connection that ends after that leaves no line
in the server's log. More would: a login with a name that the server does not know.
"""

from __future__ import annotations

from tocsin.handshake.greeting import Greeting, State
from tocsin.handshake.peer import Peer
from tocsin.options import masked

_SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
_LONGEST_REFUSAL = 1000


def speak(peer: Peer) -> Greeting:
    """Ask for TLS, and begin it where it is offered. Raises CollectError."""
    with peer.step("greeting", "asking for TLS"):
        peer.send(_SSL_REQUEST)
        answer = peer.receive(1)
        if answer == b"E":
            return _refusal(peer)
        # The server says no more than this byte: what follows it is another protocol, or somebody in between.
        more = peer.waiting()
        if answer not in (b"S", b"N") or more:
            raise peer.foreign("PostgreSQL", answer + more)
    if answer == b"N":
        peer.leave()
        return Greeting(state=State.ANSWERING, offers_tls=False, product="PostgreSQL")
    with peer.step("tls", "beginning TLS"):
        tls = peer.encrypt()
    peer.leave()
    return Greeting(state=State.ANSWERING, offers_tls=True, tls=tls, product="PostgreSQL")


def _refusal(peer: Peer) -> Greeting:
    """Read why the server refuses at once: it cannot start a process for us, or is older than TLS."""
    text = peer.receive_some(_LONGEST_REFUSAL)
    fields = [part[1:] for part in text[4:].split(b"\0") if part[:1] == b"M"]
    if text and text[:1] not in b"\0cFs":
        raise peer.foreign("PostgreSQL", b"E" + text)
    said = masked((fields[0] if fields else text).decode("utf-8", "replace"), "")
    return Greeting(state=State.REFUSING, product="PostgreSQL", said=said)
