"""Draws a result file: python -m benchmarks.drawing benchmarks/results/full.json docs/images/bench

Two panels of horizontal bars, events per second and CPU time of an event, as SVG and as PNG on a light ground.
"""

import json
import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.harness.table import TITLES
from benchmarks.harness.throughput import ONE_WORKER, ONE_WORKER_FEATURES, REKEYED, TWO_WORKERS

OURS = {ONE_WORKER, TWO_WORKERS, REKEYED, ONE_WORKER_FEATURES}
OUR_COLOUR, THEIR_COLOUR, TEXT, FAINT = "#0f766e", "#a8b3bd", "#1f2933", "#6b7785"

Programs = dict[str, dict[str, float]]


def draw(programs: Programs, note: str) -> Figure:
    """The figure; `programs` as in the result file, `note` is the line under it."""
    figure = Figure(figsize=(11, 0.52 * len(programs) + 1.5), facecolor="white", layout="constrained")
    speed, cost = figure.subplots(1, 2, sharey=True)
    _bars(speed, programs, "events_per_second", "Events per second (more is better)", "{:,.0f}")
    _bars(cost, programs, "cpu_us_per_event", "µs of CPU an event (less is better, log scale)", "{:,.1f}")
    speed.invert_yaxis()  # the axes share it
    costs = [run["cpu_us_per_event"] for run in programs.values()]
    cost.set_xscale("log")
    cost.set_xlim(min(costs) / 3, max(costs) * 30)
    figure.supxlabel(note, fontsize=8, color=FAINT, x=0.01, ha="left")
    return figure


def _bars(axes: Axes, programs: Programs, field: str, title: str, form: str) -> None:
    values = [run[field] for run in programs.values()]
    colours = [OUR_COLOUR if key in OURS else THEIR_COLOUR for key in programs]
    bars = axes.barh([TITLES[key] for key in programs], values, color=colours, height=0.66)
    axes.bar_label(bars, _texts(programs, field, form), padding=4, fontsize=9, color=TEXT)
    axes.set_title(title, loc="left", fontsize=10, color=TEXT)
    axes.set_xlim(right=max(values) * 1.6)
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="y", length=0, labelsize=10, labelcolor=TEXT)
    axes.tick_params(axis="x", bottom=False, labelbottom=False, which="both")


def _texts(programs: Programs, field: str, form: str) -> list[str]:
    """Each bar's value and how it stands to one worker."""
    one = programs.get(ONE_WORKER, {}).get(field)
    return [_text(run[field], one, form, itself=key == ONE_WORKER) for key, run in programs.items()]


def _text(value: float, one: float | None, form: str, *, itself: bool) -> str:
    text = form.format(value)
    if one is None or itself:
        return text
    times = value / one
    return f"{text}  ({times:.2g}x one worker)" if times >= 0.1 else f"{text}  (1/{1 / times:.0f} of one worker)"


def note(content: dict[str, dict[str, object]]) -> str:
    machine = content["environment"]
    return (
        f"One machine, {machine['cores']} cores shared with the broker, one run on the same topics. "
        "Kafka Streams and plain Faust stop before merging partitions; Hindcast does not.\n"
        f"{machine['processor']}, {str(machine['measured_at'])[:10]}."
    )


def main() -> None:
    source, stem = Path(sys.argv[1]), Path(sys.argv[2])
    content = json.loads(source.read_text())
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "hindcast", "font.family": "sans-serif"})
    figure = draw(content["programs"], note(content))
    stem.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(stem.with_suffix(".svg"), metadata={"Date": None})
    figure.savefig(stem.with_suffix(".png"), dpi=160)
    print(f"{source} drawn to {stem}.svg and .png")


if __name__ == "__main__":
    main()
