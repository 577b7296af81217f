import io
import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest

from runtime.logs import setup


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def logged(log_format: Literal["console", "json"], name: str = "runtime.worker", level: int = logging.INFO) -> str:
    stream = io.StringIO()
    setup(log_format, stream=stream)
    logging.getLogger(name).log(level, "read %d\nrows", 5, extra={"partition": 3})
    return stream.getvalue()


def test_json_is_one_object_a_line_with_the_fields() -> None:
    line = json.loads(logged("json"))
    assert line.pop("time").endswith("Z")
    assert line == {"level": "info", "logger": "runtime.worker", "message": "read 5\nrows", "partition": 3}


def test_the_console_gets_one_line_even_where_the_message_has_two() -> None:
    text = logged("console")
    assert text.count("\n") == 1
    assert text.rstrip().endswith("info    runtime.worker: read 5\\nrows partition=3")


@pytest.mark.parametrize("name", ["faust.worker", "aiokafka.consumer.group_coordinator", "mode"])
def test_the_frameworks_are_quiet_below_warnings(name: str) -> None:
    assert logged("console", name) == ""
    assert logged("console", name, logging.WARNING) != ""


def test_an_exception_is_a_field_of_the_json_line() -> None:
    stream = io.StringIO()
    setup("json", stream=stream)
    try:
        int("broken")
    except ValueError:
        logging.getLogger("x").exception("stopped")
    [line] = stream.getvalue().splitlines()
    assert "ValueError: invalid literal" in json.loads(line)["exception"]


def test_a_client_library_says_the_same_thing_once_in_a_while_and_we_say_all_of_it() -> None:
    stream = io.StringIO()
    setup("console", stream=stream)
    for name in ("aiokafka.conn", "runtime.worker"):
        for port in range(3):
            logging.getLogger(name).warning("cannot connect to %d", port)
    lines = stream.getvalue().splitlines()
    assert [line.split("warning ")[1] for line in lines] == [
        "aiokafka.conn: cannot connect to 0",
        *(f"runtime.worker: cannot connect to {port}" for port in range(3)),
    ]
