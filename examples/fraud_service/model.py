"""The example's models: a logistic regression that somebody has trained, and a rule for bad days."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log1p

INTERCEPT = -6.0
WEIGHTS = {"amount": 0.9, "night": 1.4, "foreign": 1.1}


def primary(features: Mapping[str, object]) -> float:
    """The probability of fraud. Raises for features that it cannot work with."""
    amount = features["amount"]
    if not isinstance(amount, float | int):
        raise TypeError(f"amount is {type(amount).__name__}")
    terms = {
        "amount": log1p(amount),
        "night": float(features["night"] is True),
        "foreign": float(features["country"] not in {"DE", "AT"}),
    }
    return 1 / (1 + exp(-INTERCEPT - sum(WEIGHTS[name] * term for name, term in terms.items())))


def rule(features: Mapping[str, object]) -> float:
    """A guess that needs nothing to be right."""
    amount = features.get("amount")
    return 0.9 if isinstance(amount, float | int) and amount > 1000 else 0.1
