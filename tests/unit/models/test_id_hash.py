"""Ids as keyed hashes."""

from __future__ import annotations

from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.id_hash import HASH_BYTES, IdHash

KEY = b"sixteen bytes it"


@given(st.lists(st.binary(max_size=256), max_size=20), st.binary(min_size=16, max_size=64))
def test_it_is_blake2b_as_everybody_computes_it(ids: list[bytes], key: bytes) -> None:
    assert IdHash(key)(ids) == [blake2b(one, digest_size=HASH_BYTES, key=key).digest() for one in ids]


def test_equal_ids_have_equal_hashes_and_another_key_gives_others() -> None:
    first, again, other = IdHash(KEY)([b"a", b"b", b"a"])
    assert first == other != again
    assert IdHash(KEY + b"!")([b"a"]) != [first]


@pytest.mark.parametrize("key", [b"", b"x" * 15, b"x" * 65])
def test_a_key_that_is_no_secret_or_too_long_is_refused_without_saying_it(key: bytes) -> None:
    with pytest.raises(ValueError, match=f"^has {len(key)} bytes, must have 16 to 64$"):
        IdHash(key)


def test_a_fingerprint_tells_keys_apart_and_is_no_part_of_any_hash() -> None:
    assert IdHash(KEY).fingerprint == IdHash(KEY).fingerprint != IdHash(KEY + b"!").fingerprint
    assert not IdHash(KEY)([b""])[0].hex().startswith(IdHash(KEY).fingerprint)
