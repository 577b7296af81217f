"""Reads a worker's /metrics page, as far as the bench needs it."""

import re
from urllib.error import URLError
from urllib.request import urlopen

_SERIES = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')

Series = list[tuple[str, dict[str, str], float]]


def parse(page: str) -> Series:
    r"""(name, labels, value) of every series on the page.

    >>> parse('# HELP a b\nrows_total{topic="p"} 3.0\n')
    [('rows_total', {'topic': 'p'}, 3.0)]
    """
    found = (_SERIES.match(line) for line in page.splitlines())
    return [(m[1], dict(_LABEL.findall(m[2] or "")), float(m[3])) for m in found if m]


def get(port: int, path: str) -> tuple[int, str]:
    """Status and body of a page on loopback; (0, "") while nothing listens."""
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except URLError as error:
        return getattr(error, "code", 0), ""
    except (ConnectionError, TimeoutError):
        return 0, ""


def scrape(port: int) -> Series:
    """The series of the worker at `port`; none while it does not answer."""
    return parse(get(port, "/metrics")[1])
