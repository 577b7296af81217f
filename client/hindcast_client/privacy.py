"""What must not leave the process: names that are left out, and ids and values that leave as keyed hashes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Final

from hindcast_client.errors import UsageError

HASH_BYTES: Final = 16
KEY_BYTES_MIN: Final = 16
KEY_BYTES_MAX: Final = blake2b.MAX_KEY_SIZE
NEEDED: Final = frozenset({"prediction_id", "model", "model_version", "event_time", "label_time", "actual"})


class Privacy:
    """BLAKE2b (RFC 7693) with a key, 16 bytes in lower-case hexadecimal.

    The service hashes in the same way, so ids that were hashed here with its key are those that it knows. Equal
    values have equal hashes: labels still join, categories can still be counted, and without the key nobody can try
    them out.

    redact: names of features, segments and optional fields (``embedding``) that are left out.
    hash_features: names of features and segments whose values leave as hashes.
    Raises UsageError for a key that is too short to be a secret, or too long, or missing.
    """

    def __init__(
        self,
        key: str | bytes | None = None,
        *,
        hash_ids: bool = False,
        hash_features: Collection[str] = (),
        redact: Collection[str] = (),
    ) -> None:
        for name, names in (("hash_features", hash_features), ("redact", redact)):
            if isinstance(names, str):
                raise UsageError(f"privacy.{name}: a list of names, not one text ({names!r})")
        needed = NEEDED.intersection(redact)
        if needed:
            raise UsageError(f"privacy.redact: records need {', '.join(sorted(needed))}")
        if key is None and (hash_ids or hash_features):
            raise UsageError("privacy.key: hashing needs a key; without one, ids could be found by trying them")
        secret = key.encode() if isinstance(key, str) else key or b""
        if key is not None and not KEY_BYTES_MIN <= len(secret) <= KEY_BYTES_MAX:
            raise UsageError(f"privacy.key: {len(secret)} bytes; {KEY_BYTES_MIN} to {KEY_BYTES_MAX} are needed")
        self._keyed = blake2b(digest_size=HASH_BYTES, key=secret)
        self._hash_ids = hash_ids
        self._hashed = frozenset(hash_features)
        self._redacted = frozenset(redact)

    @classmethod
    def with_key_file(
        cls,
        path: str | Path,
        *,
        hash_ids: bool = False,
        hash_features: Collection[str] = (),
        redact: Collection[str] = (),
    ) -> Privacy:
        """The key is the file's text without spaces and line ends around it."""
        try:
            key = Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"privacy key file {path}: {error}") from None
        return cls(key, hash_ids=hash_ids, hash_features=hash_features, redact=redact)

    def id(self, one: str) -> str:
        """The id as it may leave."""
        return self._hash(one) if self._hash_ids else one

    def values(self, values: Mapping[str, object]) -> dict[str, object]:
        """Features, segments or fields as they may leave; null stays null, since it is nobody's."""
        hashed = self._hashed
        return {
            name: self._hash(_text(value)) if name in hashed and value is not None else value
            for name, value in values.items()
            if name not in self._redacted
        }

    def _hash(self, text: str) -> str:
        digest = self._keyed.copy()  # half the time of passing the key every time
        digest.update(text.encode(errors="surrogatepass"))
        return digest.hexdigest()


def _text(value: object) -> str:
    """Booleans as JSON writes them, so that a hash does not tell which language made it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
