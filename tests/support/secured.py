"""A broker as people run it: TLS, logins of every kind, and rights for each user."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

import orjson
import trustme
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its __init__ names what it offers nowhere
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography.hazmat.primitives import serialization

from runtime.clock import now_ms
from tests.support.kafka_cluster import KafkaCluster

USER: Final = "hindcast"
PASSWORD: Final = "correct horse"
CLIENT_ID, CLIENT_SECRET = "hindcast-client", "battery staple"
_MODULES: Final = "org.apache.kafka.common.security"
_JAAS: Final = {
    "SCRAM": ("scram-sha-512", "SCRAM-SHA-512", f"{_MODULES}.scram.ScramLoginModule required;"),
    "PLAIN": ("plain", "PLAIN", f'{_MODULES}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'),
    "OAUTH": (
        "oauthbearer",
        "OAUTHBEARER",
        f'{_MODULES}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="{USER}";',
    ),
}


class Right(NamedTuple):
    """One right of `USER`: Right("topic", "hindcast-metrics", "Read")."""

    kind: str
    name: str
    operation: str


@dataclass(frozen=True, slots=True)
class Secured:
    """The broker, and how a client logs in at each of its listeners."""

    kafka: KafkaCluster
    security: dict[str, dict[str, Any]]
    admin: AdminClient

    def settings(self, listener: str) -> dict[str, Any]:
        """The section ``kafka`` of a configuration."""
        return {"bootstrap_servers": self.kafka.address(listener), "security": self.security[listener]}

    def grant(self, rights: Iterable[Right]) -> None:
        """Add rights."""
        for done in self.admin.create_acls([_binding(right) for right in rights]).values():
            done.result(30)
        time.sleep(0.3)  # the authorizer hears of them from the controller's log

    def revoke(self, right: Right) -> None:
        """Take one right away."""
        one = _binding(right)
        same = AclBindingFilter(
            one.restype, one.name, one.resource_pattern_type, one.principal, one.host, one.operation,
            one.permission_type,
        )  # fmt: skip
        for done in self.admin.delete_acls([same]).values():
            assert len(done.result(30)) == 1
        time.sleep(0.3)


def _binding(right: Right) -> AclBinding:
    resource, operation = ResourceType[right.kind.upper()], AclOperation[right.operation.upper()]
    literal, allow = ResourcePatternType.LITERAL, AclPermissionType.ALLOW
    return AclBinding(resource, right.name, literal, f"User:{USER}", "*", operation, allow)


@contextmanager
def secured(directory: Path) -> Iterator[Secured]:
    """A broker with the listeners SCRAM, PLAIN, OAUTH and MTLS beside the open one, where everything is allowed."""
    authority = _certificates(directory)
    listeners = {**dict.fromkeys(_JAAS, "SASL_SSL"), "MTLS": "SSL"}
    with (
        _token_endpoint() as token_url,
        KafkaCluster(directory, config=_config(directory), listeners=listeners) as kafka,
    ):
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
        scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        change = UserScramCredentialUpsertion(USER, scram, PASSWORD.encode())
        for done in admin.alter_user_scram_credentials([change]).values():
            done.result(30)
        (directory / "password").write_text(PASSWORD)
        (directory / "client_secret").write_text(CLIENT_SECRET)
        login = {"username": USER, "password_file": str(directory / "password"), "protocol": "SASL_SSL"}
        oauth = {
            "token_url": token_url,
            "client_id": CLIENT_ID,
            "client_secret_file": str(directory / "client_secret"),
        }
        files = {"ca_file": authority}
        certificate = {"cert_file": str(directory / "client.pem"), "key_file": str(directory / "client.key")}
        security: dict[str, dict[str, Any]] = {
            "SCRAM": login | files | {"mechanism": "SCRAM-SHA-512"},
            "PLAIN": login | files | {"mechanism": "PLAIN"},
            "OAUTH": files | {"protocol": "SASL_SSL", "mechanism": "OAUTHBEARER", "oauth": oauth},
            "MTLS": files | certificate | {"protocol": "SSL"},
        }
        yield Secured(kafka, security, admin)


def _config(directory: Path) -> dict[str, str | int]:
    config: dict[str, str | int] = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(directory / "server.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(directory / "ca.pem"),
        "listener.name.mtls.ssl.client.auth": "required",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "ssl.principal.mapping.rules": f"RULE:^.*CN={USER}.*$/{USER}/,DEFAULT",
    }
    for listener, (name, mechanism, jaas) in _JAAS.items():
        at = f"listener.name.{listener.lower()}"
        config |= {f"{at}.sasl.enabled.mechanisms": mechanism, f"{at}.{name}.sasl.jaas.config": jaas}
    return config


def _certificates(directory: Path) -> str:
    """The authority's, the broker's and the client's; the path of the first."""
    directory.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(directory / "ca.pem")
    server = authority.issue_cert("127.0.0.1")
    chain = b"".join(pem.bytes() for pem in server.cert_chain_pems)
    (directory / "server.pem").write_bytes(_pkcs8(server.private_key_pem.bytes()) + chain)
    client = authority.issue_cert("client.local", common_name=USER)
    (directory / "client.pem").write_bytes(b"".join(pem.bytes() for pem in client.cert_chain_pems))
    (directory / "client.key").write_bytes(client.private_key_pem.bytes())
    return str(directory / "ca.pem")


def _pkcs8(key: bytes) -> bytes:
    """The only form of a key that Kafka reads."""
    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@contextmanager
def _token_endpoint() -> Iterator[str]:
    """Gives unsigned tokens, which Kafka's own validator for development accepts, to the one client it knows."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            login = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
            known = login == f"{CLIENT_ID}:battery%20staple" and form["grant_type"] == ["client_credentials"]
            self.send_response(200 if known else 401)
            self.end_headers()
            self.wfile.write(orjson.dumps({"access_token": _unsigned(), "expires_in": 60} if known else {}))

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _unsigned() -> str:
    now = now_ms() // 1000
    parts = ({"alg": "none"}, {"sub": USER, "iat": now, "exp": now + 60})
    return ".".join(base64.urlsafe_b64encode(orjson.dumps(part)).decode().rstrip("=") for part in parts) + "."
