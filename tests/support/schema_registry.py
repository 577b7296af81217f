"""A schema registry on loopback that speaks Confluent's protocol, and can be away or refuse.

Ids are one number for a schema wherever it is registered; versions count within a subject. Protobuf files are kept as
descriptors, and given out as such only to those who ask for `format=serialized`.
"""

from __future__ import annotations

import base64
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from tests.support.ports import free_ports

_JSON: Final = "application/vnd.schemaregistry.v1+json"
Kept = dict[str, Any]


class RegistryFaultError(Exception):
    """What is answered instead, with the registry's own code."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class SchemaRegistryFake:
    """Use as a context, or `up` and `down` at will: the port and the schemas stay."""

    def __init__(self, login: tuple[str, str] | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.port = free_ports(1)[0]
        self.url = f"{'https' if tls else 'http'}://localhost:{self.port}"
        self.schemas: dict[int, Kept] = {}
        self.subjects: dict[str, list[int]] = {}
        self.asked: list[str] = []
        self.faults: list[tuple[int, bytes]] = []
        """Answers for the next requests, one each."""
        self.serializes = True
        """Whether it knows `format=serialized`."""
        self.login = login
        self._tls = tls
        self._server: ThreadingHTTPServer | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    def up(self) -> None:
        """Answer from now on."""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fake.handle(self)

            do_POST = do_GET  # noqa: N815  # the names are the library's

            def log_message(self, *_: object) -> None:
                """Quietly."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        if self._tls is not None:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def down(self) -> None:
        """Refuse connections."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def register(self, subject: str, text: str, kind: str = "AVRO", references: list[Kept] | None = None) -> int:
        """The id of the schema, which is registered under the subject; as POST /subjects/…/versions."""
        kept = {"schema": text, "schemaType": kind, "references": references or []}
        with self._lock:
            known = next((number for number, one in self.schemas.items() if one == kept), len(self.schemas) + 1)
            self.schemas[known] = kept
            versions = self.subjects.setdefault(subject, [])
            if known not in versions:
                versions.append(known)
        return known

    # -- the protocol

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        self.asked.append(f"{request.command} {request.path}")
        try:
            if self.faults:
                status, answer = self.faults.pop(0)
            else:
                self._check_login(request.headers.get("Authorization"))
                status, answer = 200, orjson.dumps(self._answer(request.command, request.path, body))
        except RegistryFaultError as fault:
            status, answer = fault.status, orjson.dumps({"error_code": fault.code, "message": str(fault)})
        request.send_response(status)
        request.send_header("Content-Type", _JSON)
        request.send_header("Content-Length", str(len(answer)))
        request.end_headers()
        request.wfile.write(answer)

    def _check_login(self, header: str | None) -> None:
        if self.login is not None:
            wanted = "Basic " + base64.b64encode(":".join(self.login).encode()).decode()
            if header != wanted:
                raise RegistryFaultError(401, 401, "Unauthorized")

    def _answer(self, method: str, target: str, body: bytes) -> object:
        split = urlsplit(target)
        parts = [unquote(part) for part in split.path.strip("/").split("/")]
        wants = parse_qs(split.query).get("format", [""])[0]
        match method, *parts:
            case "GET", "schemas", "ids", number:
                return self._shown(int(number), wants)
            case "GET", "subjects", subject, "versions", version:
                schema_id = self._numbered(subject, version)
                return {"subject": subject, "version": int(version), "id": schema_id, **self._shown(schema_id, wants)}
            case "POST", "subjects", subject, "versions":
                sent = orjson.loads(body)
                kind = sent.get("schemaType", "AVRO")
                return {"id": self.register(subject, sent["schema"], kind, sent.get("references") or [])}
            case "POST", "subjects", subject:
                return self._looked_up(subject, orjson.loads(body))
            case _:
                raise RegistryFaultError(404, 404, "HTTP 404 Not Found")

    def _shown(self, number: int, wants: str) -> Kept:
        kept = self.schemas.get(number)
        if kept is None:
            raise RegistryFaultError(404, 40403, f"Schema {number} not found")
        shown = dict(kept)
        if kept["schemaType"] == "AVRO":
            del shown["schemaType"]  # the default is not said
        if kept["schemaType"] == "PROTOBUF" and not (wants == "serialized" and self.serializes):
            shown["schema"] = 'syntax = "proto3";\n'
        return shown

    def _numbered(self, subject: str, version: str) -> int:
        versions = self.subjects.get(subject)
        if versions is None:
            raise RegistryFaultError(404, 40401, f"Subject '{subject}' not found.")
        if not 0 < int(version) <= len(versions):
            raise RegistryFaultError(404, 40402, f"Version {version} not found.")
        return versions[int(version) - 1]

    def _looked_up(self, subject: str, sent: Kept) -> Kept:
        if subject not in self.subjects:
            raise RegistryFaultError(404, 40401, f"Subject '{subject}' not found.")
        kept = {"schema": sent["schema"], "schemaType": sent.get("schemaType", "AVRO")}
        kept["references"] = sent.get("references") or []
        for version, number in enumerate(self.subjects[subject], 1):
            if self.schemas[number] == kept:
                return {"subject": subject, "version": version, "id": number, **kept}
        raise RegistryFaultError(404, 40403, "Schema not found")
