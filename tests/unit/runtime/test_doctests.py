"""The examples in the docstrings are true."""

import doctest
import importlib

import pytest

MODULES = (
    "alerting.explain",
    "alerting.metric_paths",
    "models.moments",
    "runtime.alert_spans",
    "runtime.alerts_silences",
    "runtime.moments",
    "runtime.settings.suggest",
    "runtime.settings.units",
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_hold(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
