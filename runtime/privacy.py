"""From the ``privacy`` settings to the hash of ids."""

from __future__ import annotations

from models.errors import WorldError
from models.id_hash import IdHash
from runtime.settings.privacy import PrivacySettings
from runtime.settings.secrets import read_secret


def hash_of_ids(settings: PrivacySettings) -> IdHash | None:
    """What replaces every id as soon as it is decoded; None: nothing does."""
    return keyed_hash(settings) if settings.hash_ids else None


def keyed_hash(settings: PrivacySettings) -> IdHash | None:
    """The hash under the configured key; None without one. Raises WorldError if its file went away since loading."""
    if settings.key is not None:
        return IdHash(settings.key.get_secret_value().encode())
    if settings.key_file is None:
        return None
    try:
        return IdHash(read_secret(settings.key_file).encode())
    except ValueError as error:
        raise WorldError(f"privacy.key_file: {error}") from None
