"""The numbers in the docstrings are true."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["digest", "rates"])
def test_the_examples_in_the_docstrings_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"alerting.{name}"))
    assert (result.failed, result.attempted > 0) == (0, True)
