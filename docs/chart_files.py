"""Writes the chart's generated files: `python -m docs.chart_files`. A test keeps them true to the settings.

values.schema.json  the shape of values.yaml, and below ``config`` the JSON Schema of hindcast.yaml
files/topics.yaml   our topics with their configuration, for Strimzi
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import yaml

from models.topics import catalogue
from runtime.settings import json_schema

CHART: Final = Path(__file__).parents[1] / "helm" / "hindcast"
FREE: Final = frozenset(
    {
        "commonLabels", "resources", "updateStrategy", "nodeSelector", "affinity", "podAnnotations", "podLabels",
        "podSecurityContext", "containerSecurityContext", "annotations", "labels", "storeRef", "global",
    }
)  # fmt: skip
"""Values that belong to Kubernetes, or to other charts: their keys are not ours to know."""
_KINDS: Final = {bool: "boolean", int: "integer", str: "string"}
_CONFIG: Final = "hindcast.yaml"
_BOUNDS: Final[dict[str, dict[str, Any]]] = {
    "replicaCount": {"minimum": 0},
    "minReplicas": {"minimum": 1},
    "maxReplicas": {"minimum": 1},
    "port": {"minimum": 1024, "maximum": 65_535},
    "terminationGracePeriodSeconds": {"minimum": 25},
    "startupMinutesMax": {"minimum": 1},
    "logFormat": {"enum": ["console", "json"]},
    "roles": {"minItems": 1, "items": {"enum": ["ingest", "alerts", "sinks"]}},
}
"""By key; the keys are unique where it matters."""


def values_schema(values: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of values.yaml, inferred from its defaults; unknown keys are refused."""
    config = json_schema()
    definitions: Any = config.pop("$defs")
    config.pop("$schema", None)
    schema = _object(values)
    schema["properties"]["config"] = {
        "$ref": f"#/$defs/{_CONFIG}",
        "required": ["kafka"],
        "properties": {"kafka": {"required": ["bootstrap_servers"]}},
    }
    found = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "required": ["config"]}
    return {**found, "$defs": {**definitions, _CONFIG: config}}


def _object(values: dict[str, Any]) -> dict[str, Any]:
    properties = {key: {**_inferred(key, value), **_BOUNDS.get(key, {})} for key, value in values.items()}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _inferred(key: str, value: object) -> dict[str, Any]:
    if isinstance(value, dict):
        return {"type": "object"} if key in FREE or not value else _object(value)
    if isinstance(value, list):
        return {"type": "array"}
    return {"type": _KINDS[type(value)]}


def topics() -> list[dict[str, Any]]:
    """Our topics with the default settings; ``partitions`` 0 stands for config.kafka.partitions."""
    several = 2
    return [
        {
            "name": name,
            "partitions": 1 if topic.partitions == 1 else 0,
            "state": topic.record == "block",
            "config": topic.config(),
        }
        for name, topic in catalogue("", several, longest_wait_ms=0).items()
    ]


def written() -> dict[str, str]:
    """File below the chart -> its content."""
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    return {
        "values.schema.json": json.dumps(values_schema(values), indent=1) + "\n",
        "files/topics.yaml": "# Written by python -m docs.chart_files\n" + yaml.safe_dump(topics(), sort_keys=False),
    }


def main() -> None:
    """Write all of them."""
    for name, content in written().items():
        (CHART / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
