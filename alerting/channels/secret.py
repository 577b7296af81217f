"""A secret that is never shown and follows its file when it is rotated."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from alerting.notification import ChannelError


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where a secret comes from: a value (out of the environment) or a file, which wins.

    The file is read at every use: that is a few times a minute, and a rotated secret counts at once.
    """

    value: str = field(default="", repr=False)
    file: Path | None = None

    def read(self) -> str:
        """The secret as it is now, without white space around it.

        Raises ChannelError, retryable, when the file cannot be read or is empty: it may be half way through
        being replaced.
        """
        try:
            found = (self.value if self.file is None else self.file.read_text()).strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise ChannelError("unauthorised", f"secret file {self.file}: {reason}", retryable=True) from None
        if not found:
            where = "secret" if self.file is None else f"secret file {self.file}"
            raise ChannelError("unauthorised", f"{where} is empty", retryable=self.file is not None)
        return found
