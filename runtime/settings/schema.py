"""The configuration's JSON Schema, for editors and for checks in front of a deployment."""

from typing import TypeAlias

from runtime.settings.root import Settings

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


def json_schema() -> dict[str, Json]:
    """JSON Schema (draft 2020-12) of ``hindcast.yaml``."""
    schema: dict[str, Json] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    schema |= Settings.model_json_schema(by_alias=True, mode="validation")
    return schema | {"title": "hindcast.yaml"}
