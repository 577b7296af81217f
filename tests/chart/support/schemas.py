"""JSON Schemas for kubeconform: of Kubernetes' own kinds and of the operators' whose objects the chart can make.

All come from Go modules: the OpenAPI document of k8s.io/kubernetes, and custom resource definitions.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.chart.support.tools import KUBERNETES, module_directory

CUSTOM = {
    "github.com/prometheus-operator/prometheus-operator@v0.85.0": [
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
    ],
    "github.com/kedacore/keda/v2@v2.21.0": ["config/crd/bases/keda.sh_scaledobjects.yaml"],
    "sigs.k8s.io/gateway-api@v1.4.0": ["config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"],
}
"""Module -> its definitions that the chart's objects are held against."""
_DEFINITIONS = "#/definitions/"
_SCALARS: dict[str, Any] = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
}
"""They are text in the document, and numbers are taken, too."""
Schema = dict[str, Any]


def custom_definitions() -> list[Schema]:
    """The operators' custom resource definitions."""
    found = []
    for module, paths in CUSTOM.items():
        folder = module_directory(module)
        found += [yaml.load((folder / path).read_text(), yaml.CSafeLoader) for path in paths]
    return found


def write_schemas(out: Path) -> list[str]:
    """Write all schemas below `out`; the locations of kubeconform."""
    document = module_directory(f"k8s.io/kubernetes@v{KUBERNETES}") / "api/openapi-spec/swagger.json"
    for name, schema in _native(json.loads(document.read_text())["definitions"]):
        (out / f"{name}.json").write_text(json.dumps(schema))
    for definition in custom_definitions():
        for name, schema in _custom(definition):
            (out / f"{name}.json").write_text(json.dumps(schema))
    return ["-schema-location", f"{out}/{{{{.Group}}}}_{{{{.ResourceAPIVersion}}}}_{{{{.ResourceKind}}}}.json"]


def _native(definitions: Schema) -> Iterator[tuple[str, Schema]]:
    for name, schema in definitions.items():
        definitions[name] = _SCALARS.get(name, schema)
        _strict(definitions[name])
    for name, schema in definitions.items():
        kinds = schema.get("x-kubernetes-group-version-kind", [])
        if len(kinds) != 1:  # DeleteOptions and the like are in every group
            continue
        (kind,) = kinds
        api_version = "/".join(part for part in (kind["group"], kind["version"]) if part)
        whole = _of_kind(schema, kind["kind"], api_version)
        whole["definitions"] = {used: definitions[used] for used in _closure(name, definitions)}
        yield _file(kind["group"], kind["version"], kind["kind"]), whole


def _custom(definition: Schema) -> Iterator[tuple[str, Schema]]:
    group, kind = definition["spec"]["group"], definition["spec"]["names"]["kind"]
    for version in definition["spec"]["versions"]:
        schema = version["schema"]["openAPIV3Schema"]
        _strict(schema)
        schema["properties"]["metadata"] = {"type": "object"}
        yield _file(group, version["name"], kind), _of_kind(schema, kind, f"{group}/{version['name']}")


def _file(group: str, version: str, kind: str) -> str:
    """As kubeconform looks for it; to it, the group without a name is called like its version."""
    return f"{group or version}_{version}_{kind.lower()}"


def _of_kind(schema: Schema, kind: str, api_version: str) -> Schema:
    found = copy.deepcopy(schema)
    found["properties"] |= {"kind": {"const": kind}, "apiVersion": {"const": api_version}}
    found["required"] = sorted({*found.get("required", []), "kind", "apiVersion"})
    return found


def _strict(node: object) -> None:
    """Refuse unknown keys, as the API server does for a client that asks for it."""
    if isinstance(node, list):
        for one in node:
            _strict(one)
    if not isinstance(node, dict):
        return
    if node.get("x-kubernetes-int-or-string"):
        node.pop("anyOf", None)
        node["type"] = ["string", "integer"]
    if "properties" in node and not node.get("x-kubernetes-preserve-unknown-fields"):
        node.setdefault("additionalProperties", False)
    for key, value in node.items():
        if key not in {"enum", "default", "required", "example"}:
            _strict(value)


def _closure(name: str, definitions: Schema) -> list[str]:
    """All definitions that one uses."""
    seen, todo = set[str](), {name}
    while todo:
        seen |= todo
        todo = {used for one in todo for used in _references(definitions[one])} - seen
    return sorted(seen)


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            yield reference.removeprefix(_DEFINITIONS)
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for one in node:
            yield from _references(one)
