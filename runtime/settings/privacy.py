"""The ``privacy`` section: what is personal data, and what may leave of it."""

from typing import Literal, TypeAlias

from pydantic import Field, SecretStr

from runtime.settings.base import Section

DeadLetters: TypeAlias = Literal["original", "redacted"]


class PrivacySettings(Section):
    """Ids as keyed hashes, dead letters without what the record says. The key is a secret."""

    hash_ids: bool = False
    key: SecretStr | None = Field(default=None, description="written as ${ENV_VAR}")
    key_file: str | None = None
    on_key_changed: Literal["stop", "accept"] = "stop"
    kept_of_dead_letters: DeadLetters | None = Field(default=None, alias="dead_letters")

    @property
    def dead_letters(self) -> DeadLetters:
        """What is kept of a record that cannot be read; where ids may not leave, nothing but where it is."""
        return self.kept_of_dead_letters or ("redacted" if self.hash_ids else "original")
