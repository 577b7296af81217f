"""A small client of the Kubernetes API: objects by their kind, as `kubectl` would send them."""

import json
import ssl
import urllib.parse
import urllib.request
from functools import cache
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

Json = dict[str, Any]


class RefusedError(Exception):
    """The API server's answer was no: `code` as in HTTP, the text is its own."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


class Api:
    """Of one server; `warnings` collects what it has said beside its answers."""

    def __init__(self, url: str, token: str, authority: Path) -> None:
        self.warnings: list[str] = []
        self._url, self._token = url, token
        self._authority = authority
        self.resource = cache(self._resource)

    def call(self, method: str, path: str, body: Json | None = None, kind: str = "application/json") -> Json:
        """One request; its answer. Raises RefusedError, OSError."""
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": kind},
        )
        try:
            trusted = ssl.create_default_context(cafile=str(self._authority))
            with urllib.request.urlopen(request, context=trusted, timeout=30) as answer:
                self.warnings += answer.headers.get_all("Warning") or []
                text = answer.read()
        except HTTPError as error:
            raise RefusedError(error.code, error.read().decode(errors="replace")) from None
        found: Json = json.loads(text) if text.startswith(b"{") else {}
        return found

    def get(self, api_version: str, kind: str, name: str = "", namespace: str = "") -> Json:
        """An object, or the list of all where no name is given."""
        path = self._path(api_version, kind, namespace)
        return self.call("GET", f"{path}/{name}" if name else path)

    def items(self, api_version: str, kind: str, namespace: str = "") -> list[Json]:
        """All objects of a kind."""
        found: list[Json] = self.get(api_version, kind, namespace=namespace)["items"]
        return found

    def apply(self, manifest: Json, namespace: str = "default", *, dry_run: bool = False) -> Json:
        """Server-side apply; unknown fields are refused."""
        metadata = manifest["metadata"]
        path = self._path(manifest["apiVersion"], manifest["kind"], metadata.get("namespace", namespace))
        query = "fieldManager=tests&fieldValidation=Strict&force=true" + ("&dryRun=All" if dry_run else "")
        name = urllib.parse.quote(metadata["name"])
        return self.call("PATCH", f"{path}/{name}?{query}", manifest, "application/apply-patch+yaml")

    def merge(self, path: str, change: Json) -> Json:
        """Change some fields of the object at a path."""
        return self.call("PATCH", path, change, "application/merge-patch+json")

    def _path(self, api_version: str, kind: str, namespace: str) -> str:
        root = f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"
        plural, namespaced = self.resource(root, kind)
        return f"{root}/namespaces/{namespace}/{plural}" if namespaced and namespace else f"{root}/{plural}"

    def _resource(self, root: str, kind: str) -> tuple[str, bool]:
        for found in self.call("GET", root)["resources"]:
            if found["kind"] == kind and "/" not in found["name"]:
                return found["name"], found["namespaced"]
        raise LookupError(f"{root} has no {kind}")
