"""Ids and values leave as the service would hash them, or not at all."""

from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from hindcast_client import PredictionLog, Privacy, UsageError
from tests.unit.client.support import Kept

KEY = "0123456789abcdef"


def hashed(text: str) -> str:
    return blake2b(text.encode(), digest_size=16, key=KEY.encode()).hexdigest()


def test_hashed_ids_still_join_and_no_original_leaves() -> None:
    kept = Kept()
    privacy = Privacy(KEY, hash_ids=True, hash_features=["merchant", "vip", "country"], redact=["email", "embedding"])
    with PredictionLog("fraud", "v1", transport=kept, privacy=privacy) as log:
        log.prediction(
            "anna-17",
            score=0.5,
            features={"merchant": "shop-x", "vip": True, "email": "anna@example.com", "amount": 1, "country": None},
            segments={"country": "Atlantis", "email": "anna@example.com"},
            embedding=[0.125],
        )
        log.label("anna-17", 1)
    prediction, label = kept.values()
    assert prediction["prediction_id"] == label["prediction_id"] == hashed("anna-17")
    assert {record.key.decode() for record in kept.records} == {hashed("anna-17")}
    assert prediction["features"] == {
        "merchant": hashed("shop-x"),
        "vip": hashed("true"),
        "amount": 1,
        "country": None,
    }
    assert prediction["country"] == hashed("Atlantis")
    everything = b"".join(record.value for record in kept.records)
    assert [word for word in (b"anna", b"shop-x", b"Atlantis", b"email", b"embedding") if word in everything] == []


def test_without_hash_ids_the_id_stays() -> None:
    kept = Kept()
    with PredictionLog("fraud", "v1", transport=kept, privacy=Privacy(redact=["iban"])) as log:
        log.prediction("t-1", score=0.5, features={"iban": "DE00", "amount": 1})
    assert (kept.values()[0]["prediction_id"], kept.values()[0]["features"]) == ("t-1", {"amount": 1})


def test_a_key_file_is_its_text(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    assert Privacy.with_key_file(tmp_path / "key", hash_ids=True).id("t-1") == hashed("t-1")
    with pytest.raises(UsageError, match=r"^privacy key file .*No such file or directory"):
        Privacy.with_key_file(tmp_path / "none")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"key": "short"}, "privacy.key: 5 bytes; 16 to 64 are needed"),
        ({"hash_ids": True}, "privacy.key: hashing needs a key; without one, ids could be found by trying them"),
        ({"redact": ["prediction_id"]}, "privacy.redact: records need prediction_id"),
        ({"redact": "email"}, r"privacy.redact: a list of names, not one text \('email'\)"),
    ],
)
def test_wrong_settings_are_one_line(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}$"):
        Privacy(**settings)
