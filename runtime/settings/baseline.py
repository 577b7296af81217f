"""A model's baseline file: what is usual for it."""

import math
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import msgspec
from pydantic import PlainValidator, WithJsonSchema

from alerting.metric_paths import METRICS, is_known
from runtime.settings.suggest import suggestion

SCHEMA: Final = "hindcast.baseline/1"


class Baseline(msgspec.Struct, frozen=True):
    """What of the file is acted on. performance: metric path -> the value that rules compare with."""

    schema: str
    performance: dict[str, float] = {}

    def by_path(self) -> dict[str, float]:
        """The values under every spelling of their paths that a rule may use."""
        whole = {f"metrics.{name}": value for name, value in self.performance.items() if name in METRICS}
        return whole | self.performance


def _read(value: object) -> Baseline:
    """The file at a path. Raises ValueError in readable words."""
    if isinstance(value, Baseline):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError("must be the path of a baseline file")
    try:
        found = msgspec.json.decode(Path(value).read_bytes(), type=Baseline)
    except OSError as error:
        raise ValueError(f"cannot read {value}: {error.strerror}") from None
    except msgspec.MsgspecError as error:
        raise ValueError(f"{value}: {error}") from None
    if found.schema != SCHEMA:
        raise ValueError(f"{value}: schema is not {SCHEMA}")
    for name, number in found.performance.items():
        if not is_known(name):
            raise ValueError(f"{value}: performance.{name} is no metric{suggestion(name, METRICS)}")
        if not math.isfinite(number):
            raise ValueError(f"{value}: performance.{name} is not a finite number")
    return found


BaselineFile: TypeAlias = Annotated[Baseline, PlainValidator(_read), WithJsonSchema({"type": "string"})]
"""In the file a path, relative to where the process runs."""
