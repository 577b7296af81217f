"""What has drifted, told apart: the inputs, the share of the classes, or what the inputs mean."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from metrics.maturity import come_share
from metrics.reconcile import reconcile
from metrics.score_drift import prediction_drift
from metrics.scores import ScorePart
from metrics.window_layout import WindowLayout


def conclude(
    parts: dict[str, object], layout: WindowLayout, concept: Mapping[str, object] | None = None
) -> dict[str, object]:
    """The fields of a record, completed by what follows from several of its parts: ``estimated``, ``drift``,
    ``error_rate`` and ``success_rate``, and in ``quality`` the names in ``columns_extra``.

    concept: what the detectors of a rising error rate say, for a record that has ``drift``.
    """
    found = dict(parts)
    extra, quality = found.pop("columns_extra", None), parts.get("quality")
    if isinstance(extra, dict) and isinstance(quality, dict):
        found["quality"] = {**quality, "columns_extra": sorted(extra)}
    found |= _rates(parts)
    if "estimated" in parts:
        found["estimated"] = reconcile(parts, come_share(parts))
    drift = parts.get("drift")
    if isinstance(drift, dict):
        scores = next((part for part in layout.parts if isinstance(part, ScorePart)), None)
        found["drift"] = told_apart(drift, found, scores, concept)
    return found


def _rates(parts: Mapping[str, object]) -> dict[str, object]:
    """``error_rate`` and ``success_rate``: of all requests, those that made no prediction too. None without any."""
    errors, failed, total = parts.get("errors"), parts.get("failed"), parts.get("total")
    if not isinstance(errors, dict) or not isinstance(failed, int) or not isinstance(total, int):
        return {}
    wrong = sum(errors.values())
    requests = max(total + failed, wrong)
    rate = wrong / requests if requests else None
    return {"error_rate": rate, "success_rate": None if rate is None else 1 - rate}


def told_apart(
    drift: Mapping[str, object],
    parts: Mapping[str, object],
    baseline: ScorePart | None,
    concept: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """``drift`` of a record, completed by ``label`` (class shares against the baseline's), ``concept`` if that
    is given, and ``kinds``.

    covariate: a feature, the embeddings or the scores have drifted, or where there are no scores what is predicted.
    prior: the share of positives among the labels has. concept: the labels say otherwise than was estimated without
    them (``estimated.reliable`` is False), or that the model errs more often than usual (the alarm of ``concept``),
    whatever the inputs are. Only what has been found is named; a kind that cannot be judged is not.
    """
    label = _label_drift(parts, baseline)
    estimated, score = parts.get("estimated"), drift.get("score", drift.get("prediction"))
    unreliable = isinstance(estimated, dict) and estimated.get("reliable") is False
    inputs = (score, drift.get("embedding"))
    moved = any(isinstance(part, dict) and part.get("drifted") for part in inputs)
    found = {
        "covariate": bool(drift.get("features_drifted")) or moved,
        "prior": bool(label.get("drifted")),
        "concept": unreliable or (concept is not None and bool(concept["alarm"])),
    }
    kinds = [kind for kind, is_there in found.items() if is_there]
    return {**drift, "label": label, **({"concept": concept} if concept else {}), "kinds": kinds}


def _label_drift(parts: Mapping[str, object], baseline: ScorePart | None) -> dict[str, object]:
    confusion = parts.get("confusion")
    if baseline is None or not baseline.reference.negatives or not baseline.reference.positives:
        return {"drifted": None, "reason": "no labels in the baseline"}
    least = max(baseline.min_records, 1)
    if not isinstance(confusion, dict) or sum(confusion.values()) < least:
        return {"drifted": None, "reason": f"fewer than {least} labels"}
    usual = np.array([sum(baseline.reference.negatives), sum(baseline.reference.positives)], np.int64)
    now = np.array([confusion["fp"] + confusion["tn"], confusion["tp"] + confusion["fn"]], np.int64)
    return prediction_drift(usual, now)
