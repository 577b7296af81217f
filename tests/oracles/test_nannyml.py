"""Estimated performance beside NannyML's own program, which runs in .venv-oracle (`make test-oracles`)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from metrics import cbpe, dle
from metrics.isotonic import calibrated, isotonic, middles

pytestmark = [pytest.mark.oracles, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
BINS = 1000
Floats = NDArray[np.float64]
Numbers = Mapping[str, Mapping[str, float]]
MEANINGS: dict[str, Callable[[Floats], Floats]] = {
    "overconfident": lambda score: np.clip(score**1.7, 0.002, 0.98),
    "timid": lambda score: 1 / (1 + np.exp(6 - 14 * score)),
    "calibrated": lambda score: score,
    "rare": lambda score: 0.2 * score**2,
}
"""P(positive) of a score."""
REFERENCE = {"calibrated": (2_000, 2)}
"""Labels and seed, else 20,000 and 1. Both programs leave these scores alone; near the limit chance decides."""


def classified(name: str, records: int, seed: int) -> Floats:
    """Score, predicted and actual class, f8[n, 3]. Scores lie in the middle of bins, where bins lose nothing."""
    rng = np.random.default_rng([seed, records])
    raw = np.where(rng.random(records) < 0.25, rng.beta(6, 2, records), rng.beta(1.2, 9, records))
    score = middles(BINS)[np.minimum((raw * BINS).astype(np.int64), BINS - 1)]
    return np.column_stack([score, score >= 0.5, rng.random(records) < MEANINGS[name](score)])


def measured(records: int, seed: int) -> Floats:
    """Prediction and actual number, f8[n, 2]; errors grow with the prediction."""
    rng = np.random.default_rng([seed, records])
    prediction = rng.uniform(0, 1, records)
    return np.column_stack([prediction, prediction + rng.normal(0, 0.1 + prediction)])


CASES: dict[str, tuple[Floats, Floats]] = {
    **{name: (classified(name, *REFERENCE.get(name, (20_000, 1))), classified(name, 3_000, 2)) for name in MEANINGS},
    "regression": (measured(20_000, 3), measured(3_000, 4)),
}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Numbers:
    folder = tmp_path_factory.mktemp("nannyml")
    records: dict[str, Any] = {}
    for name, (reference, window) in CASES.items():
        records |= {f"{name}/reference": reference, f"{name}/window": window}
    np.savez(folder / "records.npz", **records)
    python, program = ROOT / ".venv-oracle/bin/python", Path(__file__).with_name("nannyml_numbers.py")
    subprocess.run([python, program, folder / "records.npz", folder / "numbers.json"], check=True, timeout=540)
    found: Numbers = json.loads((folder / "numbers.json").read_text(encoding="utf-8"))
    return found


def histograms(rows: Floats, column: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Scores of the records with 0 and with 1 in that column."""
    bins, flag = (rows[:, 0] * BINS).astype(np.int64), rows[:, column] == 1
    return np.bincount(bins[~flag], minlength=BINS), np.bincount(bins[flag], minlength=BINS)


@pytest.mark.parametrize("name", MEANINGS)
def test_cbpe_is_nannymls_to_its_rounding(name: str, theirs: Numbers) -> None:
    """Calibration, the decision whether to calibrate, and metrics; NannyML rounds an ROC curve's counts to 1e-5."""
    reference, window = CASES[name]
    p = calibrated(*histograms(reference, 2), np.random.default_rng(0))
    found = cbpe.estimate(*histograms(window, 1), p, len(reference))["metrics"]
    assert {"roc_auc" if metric == "auc" else metric: value for metric, value in found.items()} == pytest.approx(
        theirs[name], abs=1e-6
    )


def test_some_scores_were_calibrated_and_others_left_alone() -> None:
    """So that the test above has seen both."""
    left_alone = {}
    for name in MEANINGS:
        known = histograms(CASES[name][0], 2)
        p = calibrated(*known, np.random.default_rng(0))
        left_alone[name] = bool((p == middles(BINS)).all())
        assert left_alone[name] or (p == isotonic(*known)).all()
    assert left_alone == {"overconfident": False, "timid": False, "calibrated": True, "rare": False}


def test_dle_agrees_with_nannyml_as_far_as_chance_allows(theirs: Numbers) -> None:
    """Bins in the place of boosted trees estimate the same thing: the two agree, and both with the labels."""
    reference, window = CASES["regression"]
    bins = 50
    known, seen = ((np.minimum(rows[:, 0] * bins, bins - 1)).astype(np.int64) for rows in (reference, window))
    sums = dle.loss_sums(known, reference[:, 0] - reference[:, 1], bins)
    found = dle.estimate(np.bincount(seen, minlength=bins), sums)
    errors = window[:, 0] - window[:, 1]
    mse = float(np.mean(errors**2))
    labels = {"mae": float(np.mean(np.abs(errors))), "mse": mse, "rmse": mse**0.5}
    for name, said in theirs["regression"].items():
        value, interval = found["metrics"][name], found["intervals"][name]
        assert value is not None
        assert interval is not None
        half = (interval[1] - interval[0]) / 2
        assert abs(value - said) <= half / 2, name
        assert interval[0] <= labels[name] <= interval[1], name
        assert abs(said - labels[name]) <= 1.5 * half, name
