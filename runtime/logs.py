"""Logging, set up once: one line an event, for people (console) or for machines (json).

Values stand in ``extra`` and come out as fields: ``log.info("recovered", extra={"rows": 5})``.
"""

import json
import logging
import logging.config
import sys
from datetime import UTC, datetime
from typing import Final, Literal, TextIO, TypeAlias

LogFormat: TypeAlias = Literal["console", "json"]

# Chatty about every heartbeat, rebalance step and request; what matters of it we log ourselves.
_NOISY: Final = ("faust", "mode", "aiokafka", "kafka", "aiohttp", "asyncio", "urllib3", "httpx", "httpx2")
REPEAT_SECONDS: Final = 10.0
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def _is_ours(record: logging.LogRecord) -> bool:
    """Not the "[^--Consumer]: Starting..." that mode logs under the name of whoever subclasses its services."""
    return record.levelno > logging.INFO or not str(record.msg).startswith("[^")


class _Seldom:
    """Lets a client library say the same thing once in a while: with a broker away it says it by the thousand."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], float] = {}

    def __call__(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(_NOISY):
            return True
        key = (record.name, str(record.msg))
        if record.created - self._said.get(key, 0.0) < REPEAT_SECONDS:
            return False
        self._said[key] = record.created
        return True


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, the fields, and an exception's text."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in _fields(record).items() if key not in line}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class ConsoleFormatter(logging.Formatter):
    """``10:00:00.123Z info  runtime.worker: recovered rows=5``; only a traceback takes more lines."""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {key}={value}" for key, value in _fields(record).items())
        text = f"{record.getMessage()}{fields}".replace("\r", "\\r").replace("\n", "\\n")
        line = f"{_time(record)[11:]} {record.levelname.lower():<7} {record.name}: {text}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def dict_config(log_format: LogFormat, level: str = "INFO", stream: TextIO | None = None) -> dict[str, object]:
    """Configuration for ``logging.config.dictConfig`` and for Faust's ``logging_config``."""
    formatter = JsonFormatter if log_format == "json" else ConsoleFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "filters": {"ours": {"()": lambda: _is_ours}, "seldom": {"()": _Seldom}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["ours", "seldom"],
                "stream": stream or sys.stderr,
            }
        },
        "loggers": {name: {"level": "WARNING"} for name in _NOISY} | {"mode.timers": {"level": "ERROR"}},
        "root": {"level": level, "handlers": ["stderr"]},
    }


def setup(log_format: LogFormat, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Log to ``stream`` (standard error) from now on; standard output stays for answers."""
    logging.config.dictConfig(dict_config(log_format, level, stream))
