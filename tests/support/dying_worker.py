"""`hindcast` that kills itself at one step, so that no test has to be lucky: python -m tests.support.dying_worker …

The environment names the step: ``module:Class.function:before|after:n``, the n-th call of it.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

VARIABLE = "HINDCAST_TEST_DIES"


def arm(step: str) -> None:
    """Wrap the function that the step names; AttributeError if there is none."""
    place, moment, number = step.rsplit(":", 2)
    module, path = place.split(":")
    owner: Any = importlib.import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    setattr(owner, name, _deadly(getattr(owner, name), moment, int(number)))


def _deadly(function: Callable[..., Any], moment: str, number: int) -> Callable[..., Any]:
    calls = 0

    def die_if_due(now: str) -> None:
        nonlocal calls
        calls += now == moment
        if now == moment and calls == number:
            os.kill(os.getpid(), signal.SIGKILL)

    @functools.wraps(function)
    def plain(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401  # whatever it takes and gives
        die_if_due("before")
        result = function(*arguments, **options)
        die_if_due("after")
        return result

    @functools.wraps(function)
    async def awaited(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401  # whatever it takes and gives
        die_if_due("before")
        result = await function(*arguments, **options)
        die_if_due("after")
        return result

    return awaited if inspect.iscoroutinefunction(function) else plain


if __name__ == "__main__":
    from runtime.cli import main

    arm(os.environ[VARIABLE])
    sys.exit(main())
