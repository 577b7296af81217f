"""Runs in .venv-oracle, knows nothing of Hindcast: NannyML's estimates of the records in an .npz file, as JSON.

`python nannyml_numbers.py RECORDS.npz NUMBERS.json`. Of each case NAME the file holds NAME/reference and NAME/window,
columns score, predicted, actual of a classifier, or prediction, actual of a regression.
"""

from __future__ import annotations

import json
import os
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
# Tuning by AutoML is not asked for; without a stand-in NannyML cannot be imported where it is not installed.
sys.modules["flaml"] = types.SimpleNamespace(AutoML=None)  # type: ignore[assignment]  # it is asked for a name only

import nannyml  # noqa: E402  # reads both when it is imported

CLASSES = ["accuracy", "precision", "recall", "specificity", "f1", "roc_auc"]
LOSSES = ["mae", "mse", "rmse"]


def cbpe(reference: pd.DataFrame, window: pd.DataFrame) -> dict[str, float]:
    estimator = nannyml.CBPE(
        problem_type="classification_binary",
        y_pred_proba="score",
        y_pred="predicted",
        y_true="actual",
        metrics=CLASSES,
        chunk_size=len(window),
    )
    return numbers(estimator, reference, window, CLASSES)


def dle(reference: pd.DataFrame, window: pd.DataFrame) -> dict[str, float]:
    reference, window = (frame.assign(feature=frame["prediction"]) for frame in (reference, window))
    estimator = nannyml.DLE(
        feature_column_names=["feature"],
        y_pred="prediction",
        y_true="actual",
        metrics=LOSSES,
        chunk_size=len(window),
    )
    return numbers(estimator, reference, window, LOSSES)


def numbers(
    estimator: nannyml.CBPE | nannyml.DLE, reference: pd.DataFrame, window: pd.DataFrame, names: list[str]
) -> dict[str, float]:
    estimator.fit(reference)
    row = estimator.estimate(window).filter(period="analysis").to_df().iloc[0]
    return {name: float(row[name, "value"]) for name in names}


def main() -> None:
    records, found = np.load(sys.argv[1]), dict[str, dict[str, float]]()
    for name in sorted({key.split("/")[0] for key in records}):
        columns = ["prediction", "actual"] if name.startswith("regression") else ["score", "predicted", "actual"]
        reference, window = (
            pd.DataFrame(records[f"{name}/{part}"], columns=columns) for part in ("reference", "window")
        )
        if "score" in columns:
            whole = {"predicted": np.int64, "actual": np.int64}
            reference, window = reference.astype(whole), window.astype(whole)
        found[name] = cbpe(reference, window) if "score" in columns else dle(reference, window)
    Path(sys.argv[2]).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
