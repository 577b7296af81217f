"""Loopback ports that stay ours while a server on them is down."""

import random
import socket

# Below Linux's ephemeral range (32768 up). In it, a client that retries while the server is down can be given the
# server's own port as its source: it then connects to itself, and the server never gets its port back.
_FIRST, _LAST = 20_000, 32_000


def free_ports(count: int) -> list[int]:
    """`count` different ports on 127.0.0.1 that nobody listens on."""
    found: list[int] = []
    for port in random.SystemRandom().sample(range(_FIRST, _LAST), _LAST - _FIRST):
        if len(found) == count:
            return found
        if _is_free(port):
            found.append(port)
    raise RuntimeError("no free loopback port")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
