"""Draws docs/images/demo.svg: the last frame of a real run of the demo. `python -m docs.record_demo [SECONDS]`

Embedded broker, simulated traffic, worker and view are those of `hindcast demo`; only the screen is a recorded one.
"""

from __future__ import annotations

import io
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from runtime import demo
from runtime.demo_state import DemoState
from runtime.demo_view import render

IMAGE = Path(__file__).parent / "images/demo.svg"
COLUMNS = 120
WINDOWS = 8
SECONDS = 60.0  # the model gets worse after 18 of them and recovers after 32: an alert fires and is resolved

# rich's own format without its font from the web: an image on a page may load nothing.
FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
    font-family: "DejaVu Sans Mono", Menlo, Consolas, "Liberation Mono", monospace;
    font-size: {char_height}px; line-height: {line_height}px;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def record(seconds: float) -> DemoState:
    """What the demo has seen after so many seconds, stopped while everything still runs."""
    state, stop = DemoState(), threading.Event()
    nobody = Console(file=io.StringIO())
    with tempfile.TemporaryDirectory(prefix="hindcast-demo-") as directory, ExitStack() as stack:
        stack.callback(stop.set)
        look = demo._parts(stack, Path(directory), state, seed=1, stop=stop)  # noqa: SLF001  # the demo itself
        ending = threading.Timer(seconds, stop.set)
        stack.callback(ending.cancel)
        ending.start()
        demo.watch(nobody, state, look, stop)
    return state


def draw(state: DemoState) -> str:
    """The view of that state as SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(render(state, WINDOWS))
    return console.export_svg(title="hindcast demo", code_format=FORMAT, unique_id="demo")


def main() -> int:
    """Record, draw, write; 1 if no metrics came."""
    state = record(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
    if not state.windows:
        print("no metric record came; nothing was drawn")
        return 1
    IMAGE.parent.mkdir(exist_ok=True)
    IMAGE.write_text(draw(state))
    print(f"{IMAGE.name} drawn after {state.elapsed_seconds:.0f} s and {state.consumed:,} records")
    return 0


if __name__ == "__main__":
    sys.exit(main())
