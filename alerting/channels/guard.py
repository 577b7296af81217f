"""Where a message may go: https to public addresses, unless the host is on the allow-list (F72).

Twice: the URL when settings are loaded and before each request, and every address that its name resolves to,
just before the connection is made to that very address; a name that changes its mind in between gains nothing.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from alerting.channels.specs import Hosts
from alerting.notification import ChannelError

# RFC 6052 and 8215: an IPv4 address in the last 32 bits, which a gateway connects to
_NAT64: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_PRIVATE_ENDINGS: Final = (".localhost", ".localdomain", ".local", ".internal", ".intranet", ".home.arpa")


def is_allowed(host: str, hosts: Hosts) -> bool:
    """Whether the host is on the allow-list: then it may be private and spoken to by plain http."""
    return _normal(host) in {_normal(allowed) for allowed in hosts.allowed}


def is_public(address: str) -> bool:
    """Whether an address, or the IPv4 address inside it, is one of the public internet."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = _embedded(found) if isinstance(found, IPv6Address) else found
    if inner is not found:
        return inner is not None and is_public(str(inner))
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def host_refusal(host: str, hosts: Hosts) -> str | None:
    """Why nothing may be sent to the host, as far as its name says; None = it may."""
    name = _normal(host)
    if is_allowed(name, hosts):
        return None
    if not name:
        return "names no host"
    if ":" in name or is_numeric(name):
        # also what only inet_aton reads as an address: decimal, hexadecimal, octal, shortened
        return None if is_public(name) else f"{name} is not a public address"
    if "." not in name or name.endswith(_PRIVATE_ENDINGS):
        return f"{name} is not a public host"
    return None


def url_refusal(url: str, hosts: Hosts) -> str | None:
    """Why nothing may be posted to the URL; None = it may. Says no more of the URL than its host."""
    try:
        parsed = URL(url)
    except ValueError:
        return "not a URL"
    host = parsed.raw_host or ""
    if parsed.scheme not in {"https", "http"}:
        return "not an https URL"
    if parsed.scheme == "http" and not is_allowed(host, hosts):
        return f"{_normal(host)} is spoken to by plain http, which only allow_hosts permits"
    return host_refusal(host, hosts)


def _embedded(address: IPv6Address) -> IPv4Address | IPv6Address | None:
    """The IPv4 address that an IPv6 address leads to; itself if it leads to none, None = do not go there."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if any(address in network for network in _NAT64):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    # tunnels through somebody else's relay, IPv4-compatible and site-local addresses: all withdrawn by RFCs
    if address.sixtofour is not None or address.teredo is not None or address.is_site_local or int(address) < 1 << 32:
        return None
    return address


def is_numeric(name: str) -> bool:
    """Whether the C library reads it as an IPv4 address, in whatever spelling."""
    try:
        socket.inet_aton(name)
    except (OSError, UnicodeError):
        return False
    return True


def _normal(host: str) -> str:
    return host.strip().strip("[]").rstrip(".").lower()


class GuardedResolver(AbstractResolver):
    """Resolves names and refuses those of which any address is not public."""

    def __init__(self, hosts: Hosts, inner: AbstractResolver | None = None) -> None:
        self._hosts = hosts
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Every address of the host; ChannelError (permanent) if one of them may not be connected to."""
        if self._inner is None:
            self._inner = ThreadedResolver()
        found = await self._inner.resolve(host, port, family)
        if not is_allowed(host, self._hosts) and not all(is_public(result["host"]) for result in found):
            raise ChannelError("refused", f"{_normal(host)} resolves to an address that is not public", retryable=False)
        return found

    async def close(self) -> None:
        if self._inner is not None:
            await self._inner.close()
