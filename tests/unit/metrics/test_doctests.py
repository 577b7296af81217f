"""The numbers in the docstrings are true."""

import doctest
import importlib
import pkgutil

import pytest

import metrics

MODULES = [module.name for module in pkgutil.iter_modules(metrics.__path__, "metrics.") if not module.ispkg]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
