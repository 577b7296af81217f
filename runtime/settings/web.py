"""The ``web`` section: where a process is reached over HTTP, and by whom."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from runtime.settings.base import Section, matching

_BASE_PATH = r"(/[A-Za-z0-9._~-]+)*"


class BasicSettings(Section):
    """A user and a password, as browsers ask for."""

    username: Annotated[str, AfterValidator(matching(r"[^:]{1,200}", "1 to 200 characters without a colon"))]
    password_file: Annotated[str, Field(min_length=1)]


class AuthSettings(Section):
    """Who may read the page and the API: one of the two."""

    basic: BasicSettings | None = None
    bearer_file: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> AuthSettings:
        if (self.basic is None) == (self.bearer_file is None):
            raise ValueError("give either basic or bearer_file")
        return self


class WebSettings(Section):
    """Where /metrics, /livez and /readyz are served, and by `hindcast dashboard` the page and its API."""

    host: Annotated[str, Field(min_length=1)] = "0.0.0.0"  # noqa: S104 - scraped from other hosts
    port: int = Field(default=6066, ge=0, le=65_535)
    base_path: Annotated[
        str,
        AfterValidator(matching(_BASE_PATH, "not a path: write it as /hindcast, without a slash at its end")),
        WithJsonSchema({"type": "string", "pattern": f"^{_BASE_PATH}$"}),
    ] = ""
    auth: AuthSettings | None = None
    page: bool = False
