"""What every section of the configuration has in common."""

import re
from collections.abc import Callable
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

_TOPIC: Final = re.compile(r"^[A-Za-z0-9._-]{1,249}$")


class Section(BaseModel):
    """A mapping in the file: unknown keys are refused, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def topic_name(text: str) -> str:
    """The text itself if Kafka takes it as a topic's name; raises ValueError."""
    if not _TOPIC.match(text) or text in {".", ".."}:
        raise ValueError("not a topic name: 1 to 249 of letters, digits, '.', '_' and '-'")
    return text


def matching(pattern: str, words: str) -> Callable[[str], str]:
    """A validator: the text itself if it matches; raises ValueError with the words instead of the pattern."""

    def validate(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(words)
        return text

    return validate


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Names: TypeAlias = Annotated[
    list[str],
    BeforeValidator(_listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
"""One name, or a list of them."""

_NAME: Final = r"[A-Za-z0-9._-]{1,100}"
Name: TypeAlias = Annotated[
    str,
    AfterValidator(matching(_NAME, "not a name: 1 to 100 of letters, digits, '.', '_' and '-'")),
    WithJsonSchema({"type": "string", "pattern": f"^{_NAME}$"}),
]
"""What a rule or a receiver is called."""
