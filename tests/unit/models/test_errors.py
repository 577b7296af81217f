"""The error tree carries what its readers need."""

from __future__ import annotations

import copy

from models.errors import ConfigError, DecodeError, HindcastError, WorldError


def test_a_configuration_error_holds_every_problem_one_a_line() -> None:
    error = ConfigError(["a.b: missing", "c: unknown"])
    assert error.problems == ["a.b: missing", "c: unknown"]
    assert str(error).splitlines() == error.problems


def test_a_single_problem_may_be_given_as_text() -> None:
    assert ConfigError("a: wrong").problems == ["a: wrong"]


def test_a_decode_error_keeps_code_and_message_when_copied() -> None:
    twin = copy.copy(DecodeError("type", "not a number"))
    assert (twin.code, twin.message, str(twin)) == ("type", "not a number", "type: not a number")


def test_exit_codes_are_those_of_the_command_line() -> None:
    assert (WorldError.exit_code, ConfigError.exit_code) == (1, 2)
    assert issubclass(WorldError, HindcastError)
