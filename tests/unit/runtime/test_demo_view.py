"""The demo's view as text: the numbers that stand in the records stand on the screen."""

import io

from rich.console import Console, RenderableType

from models.alert_event import AlertEvent
from runtime.demo_source import read_counts
from runtime.demo_state import DemoState, MetricRecord
from runtime.demo_view import coverage_bar, number, plain_line, render, summary


def record(
    minute: int = 0,
    version: str = "rf_v1",
    *,
    revision: int = 1,
    final: bool = False,
    span: str = "60s",
    segment: str = "",
    labelled: int = 1_200,
) -> MetricRecord:
    defined = labelled > 0
    return {
        "model": "fraud",
        "model_version": version,
        "segment": segment,
        "window_start": f"2026-11-21T10:{minute:02d}:00Z",
        "window_end": f"2026-11-21T10:{minute + 1:02d}:00Z",
        "span": span,
        "revision": revision,
        "final": final,
        "total": 1_500,
        "labelled": labelled,
        "label_coverage": labelled / 1_500,
        "metrics": {
            "accuracy": 0.9812 if defined else None,
            "f1": 0.4286 if defined else None,
            "auc": 0.9134 if defined else None,
        },
        "intervals": {
            "accuracy": [0.9704, 0.9861] if defined else None,
            "f1": [0.31, 0.5512] if defined else None,
            "auc": None,
        },
        "label_latency_seconds": None,
    }


def text(view: RenderableType, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(view)
    return captured.get()


def line_with(view: str, *parts: str) -> str:
    (line,) = [line for line in view.splitlines() if all(part in line for part in parts)]
    return line


def state(*records: MetricRecord, **others: object) -> DemoState:
    found = DemoState(**others)  # type: ignore[arg-type]
    found.add(records)
    return found


def test_a_window_shows_its_metrics_with_intervals_and_coverage() -> None:
    line = line_with(text(render(state(record(7, revision=3)))), "10:07")
    assert "rf_v1" in line
    assert "1,500" in line
    assert "██████░░  80%" in line
    assert "0.981 [0.970 0.986]" in line
    assert "0.429 [0.310 0.551]" in line
    assert "0.913" in line


def test_provisional_and_final_windows_are_told_apart() -> None:
    view = text(render(state(record(1, final=True), record(2, revision=5))))
    assert "final" in line_with(view, "10:01")
    assert "rev 5" in line_with(view, "10:02")


def test_undefined_metrics_are_a_dash_not_a_zero() -> None:
    line = line_with(text(render(state(record(3, labelled=0)))), "10:03")
    assert line.split()[-3:] == ["-", "-", "-"]
    assert coverage_bar(None) == "░░░░░░░░   - "
    assert number(record(labelled=0), "auc") == "-"


def test_a_later_revision_replaces_an_earlier_one_and_never_the_other_way() -> None:
    seen = state(record(1, revision=4, labelled=1_500), record(1, revision=2, labelled=0))
    assert "100%" in line_with(text(render(seen)), "10:01")
    seen.add([record(1, revision=5, labelled=750)])
    assert " 50%" in line_with(text(render(seen)), "10:01")


def test_the_newest_windows_come_first_and_a_final_one_is_always_shown() -> None:
    seen = state(*(record(minute, final=minute < 4) for minute in range(30)))
    view = text(render(seen, windows=12))
    minutes = [line.split()[0] for line in view.splitlines() if line.startswith("10:")]
    assert minutes == [f"10:{minute:02d}" for minute in range(29, 18, -1)] + ["10:03"]


def test_every_version_has_its_row_and_the_window_is_named_once() -> None:
    view = text(render(state(record(1, "rf_v2"), record(1, "rf_v1"))))
    assert view.index("rf_v1") < view.index("rf_v2")
    assert view.count("10:01") == 1


def test_spans_have_a_table_of_their_own() -> None:
    view = text(render(state(record(1), record(1, span="1h"), record(1, span="10m"))))
    assert "0.981" in line_with(view, "last 1h")
    assert "10:02" in line_with(view, "last 10m")


def test_segments_are_counted_not_listed() -> None:
    view = text(render(state(record(1), record(1, segment="country=DE"), record(1, segment="country=FR"))))
    assert "2 segments" in view
    assert "country" not in view


def test_fates_and_throughput_stand_below() -> None:
    seen = state(record(1))
    seen.count(1_000, {}, 1.0)
    seen.count(4_000, {"joined": 3_500, "dead_lettered": 12}, 2.0)
    view = text(render(seen))
    assert "joined 3,500  dead lettered 12" in view
    assert "1,500 events/s  4,000 consumed" in view


def test_before_the_first_window_the_view_says_what_it_waits_for() -> None:
    assert "the worker starts" in text(render(state(note="the worker starts")))
    assert plain_line(state(note="the worker starts")) == "   0 s | the worker starts"


def test_the_view_fits_a_terminal_of_120_columns() -> None:
    seen = state(*(record(m, v) for m in range(12) for v in ("rf_v1_2025_10", "rf_v2_2025_11")))
    assert max(len(line.rstrip()) for line in text(render(seen)).splitlines()) <= 120
    assert "…" not in text(render(seen))


def test_the_summary_counts_windows_records_and_versions() -> None:
    seen = state(record(1, final=True), record(2), record(2, "rf_v2"), record(2, span="1h"), elapsed_seconds=60.2)
    seen.count(180_000, {"joined": 90_000}, 0.0)
    said = " ".join(text(summary(seen)).split())
    assert "60 s, 180,000 records consumed, 3 windows of 2 versions (1 final)" in said
    assert "last 1h" in said
    assert "joined 90,000" in said


def test_the_plain_line_gives_the_newest_labelled_window_of_each_version() -> None:
    line = plain_line(state(record(1), record(2, labelled=0), record(3, "rf_v2"), elapsed_seconds=12))
    assert line == (
        "  12 s | 0 events/s | rf_v1 10:01 accuracy 0.981 f1 0.429 auc 0.913"
        " | rf_v2 10:03 accuracy 0.981 f1 0.429 auc 0.913"
    )


def alert(**others: object) -> AlertEvent:
    fields: dict[str, object] = {
        "fingerprint": "f1", "rule": "ranking-lost", "priority": "P1", "severity": "critical", "status": "firing",
        "model": "fraud", "model_version": "rf_v1", "segment": "", "metric": "auc", "value": 0.71,
        "window_start_ms": 0, "starts_at_ms": 36_300_000, "runbook": "docs/runbooks/x.md",
        "summary": "auc 0.71 [0.68, 0.74] is below 0.78",
    }  # fmt: skip
    return AlertEvent(**fields | others)  # type: ignore[arg-type]


def test_an_alert_shows_its_reason_interval_and_runbook_and_then_its_end() -> None:
    found = state(record())
    found.alert([alert()])
    shown = line_with(text(render(found), 200), "FIRING P1 ranking-lost: fraud rf_v1")
    assert "auc 0.71 [0.68, 0.74] is below 0.78 | since 10:05 | runbook docs/runbooks/x.md" in shown
    found.alert([alert(), alert(status="resolved", ends_at_ms=36_600_000, summary="auc 0.87 is not below 0.78")])
    assert "RESOLVED P1 ranking-lost: fraud rf_v1 | auc 0.87" in text(summary(found), 200)
    assert "since 10:05 until 10:10" in text(summary(found), 200)
    assert [one.status for one in found.changes] == ["firing", "resolved"]


def test_counts_are_read_from_the_metrics_page() -> None:
    page = (
        "# TYPE hindcast_records_consumed_total counter\n"
        'hindcast_records_consumed_total{topic="fraud_predictions"} 100.0\n'
        'hindcast_records_consumed_total{topic="fraud_labels"} 90.0\n'
        "# TYPE hindcast_records_total counter\n"
        'hindcast_records_total{fate="joined"} 170.0\n'
        'hindcast_records_total{fate="dead_lettered"} 20.0\n'
    )
    counts = read_counts(page)
    assert counts.consumed == 190
    assert counts.fates == {"joined": 170, "dead_lettered": 20}
