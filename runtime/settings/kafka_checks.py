"""What only several keys of ``kafka.security`` together can get wrong."""

from collections.abc import Iterator

from runtime.settings.kafka import OAuthSettings, SecuritySettings
from runtime.settings.problem import KeyPath, Problem
from runtime.settings.secrets import unreadable

_AT: KeyPath = ("kafka", "security")
_PROTOCOL, _MECHANISM = (*_AT, "protocol"), (*_AT, "mechanism")


def check_security(security: SecuritySettings) -> Iterator[Problem]:
    """Everything that keeps a client from logging in, as far as it shows before it tries."""
    if security.sasl:
        yield from _sasl(security)
    elif security.mechanism is not None:
        yield Problem(_MECHANISM, f"has no meaning with protocol {security.protocol}", (_PROTOCOL,))
    yield from _certificates(security)


def _sasl(security: SecuritySettings) -> Iterator[Problem]:
    if security.mechanism is None:
        yield Problem(_MECHANISM, f"is needed with protocol {security.protocol}", (_PROTOCOL,))
    yield from _oauth(security) if security.mechanism == "OAUTHBEARER" else _login(security)
    if security.mechanism == "PLAIN" and not security.tls and not security.allow_plaintext:
        text = "PLAIN without TLS sends the password readable: use SASL_SSL, or set allow_plaintext: true"
        yield Problem(_MECHANISM, text, (_PROTOCOL, (*_AT, "allow_plaintext")))


def _login(security: SecuritySettings) -> Iterator[Problem]:
    why = f"is needed with protocol {security.protocol}"
    if security.username is None:
        yield Problem((*_AT, "username"), why, (_PROTOCOL,))
    if security.oauth is not None:
        yield Problem((*_AT, "oauth"), f"has no meaning with mechanism {security.mechanism}", (_MECHANISM,))
    if security.password is None and security.password_file is None:
        yield Problem((*_AT, "password_file"), why, (_PROTOCOL,))
    if security.password is not None and security.password_file is not None:
        yield Problem((*_AT, "password"), "give either password or password_file", ((*_AT, "password_file"),))
    if security.password_file is not None:
        yield from unreadable((*_AT, "password_file"), security.password_file)


def _oauth(security: SecuritySettings) -> Iterator[Problem]:
    for name in ("username", "password", "password_file"):
        if getattr(security, name) is not None:
            yield Problem((*_AT, name), "has no meaning with mechanism OAUTHBEARER", (_MECHANISM,))
    if security.oauth is None:
        yield Problem((*_AT, "oauth"), "is needed with mechanism OAUTHBEARER", (_MECHANISM,))
    else:
        yield from _client((*_AT, "oauth"), security.oauth)


def _client(at: KeyPath, oauth: OAuthSettings) -> Iterator[Problem]:
    if oauth.client_secret is None and oauth.client_secret_file is None:
        yield Problem((*at, "client_secret_file"), "is needed with mechanism OAUTHBEARER", (_MECHANISM,))
    if oauth.client_secret is not None and oauth.client_secret_file is not None:
        text = "give either client_secret or client_secret_file"
        yield Problem((*at, "client_secret"), text, ((*at, "client_secret_file"),))
    if oauth.client_secret_file is not None:
        yield from unreadable((*at, "client_secret_file"), oauth.client_secret_file)


def _certificates(security: SecuritySettings) -> Iterator[Problem]:
    given = {name: path for name in ("ca_file", "cert_file", "key_file") if (path := getattr(security, name))}
    for name, path in given.items():
        yield from unreadable((*_AT, name), path)
        if not security.tls:
            yield Problem((*_AT, name), f"has no meaning with protocol {security.protocol}", (_PROTOCOL,))
    for name, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
        if name in given and other not in given:
            yield Problem((*_AT, other), f"is needed beside {name}", ((*_AT, name),))
