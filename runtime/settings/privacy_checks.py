"""What only several keys of ``privacy`` together, or the key's file, can get wrong."""

from collections.abc import Iterator

from models.id_hash import IdHash
from runtime.settings.privacy import PrivacySettings
from runtime.settings.problem import KeyPath, Problem
from runtime.settings.secrets import read_secret

_AT: KeyPath = ("privacy",)


def check_privacy(privacy: PrivacySettings) -> Iterator[Problem]:
    """One key, and one that is a secret."""
    key, key_file = (*_AT, "key"), (*_AT, "key_file")
    if privacy.key is not None and privacy.key_file is not None:
        yield Problem(key, "give either key or key_file", (key_file,))
    if privacy.hash_ids and privacy.key is None and privacy.key_file is None:
        yield Problem(key_file, "is needed with hash_ids: true, or key as ${ENV_VAR}", ((*_AT, "hash_ids"), key))
    if privacy.key is not None:
        yield from _usable(key, privacy.key.get_secret_value())
    if privacy.key_file is not None:
        try:
            secret = read_secret(privacy.key_file)
        except ValueError as error:
            yield Problem(key_file, str(error))
        else:
            yield from _usable(key_file, secret)


def _usable(at: KeyPath, secret: str) -> Iterator[Problem]:
    try:
        IdHash(secret.encode())
    except ValueError as error:
        yield Problem(at, str(error))
