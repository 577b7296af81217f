"""The few kinds of panels that our dashboards are made of. A query is (PromQL, legend)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import ascii_uppercase
from typing import Final, Literal, TypeAlias

from grafana_foundation_sdk.builders import bargauge, common, heatmap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

Panel: TypeAlias = Builder[models.Panel]
Query: TypeAlias = tuple[str, str]
Limit: TypeAlias = tuple[float, Literal["yellow", "orange", "red", "green"]]
"""From this value on a panel has that colour."""

SOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
RATIO: Final = "percentunit"
SECONDS: Final = "s"
PER_SECOND: Final = "short"


def lines(
    title: str,
    description: str,
    *queries: Query,
    unit: str = "short",
    width: int = 12,
    bounds: tuple[float | None, float | None] = (None, None),
    limits: Sequence[Limit] = (),
    stacked: bool = False,
) -> Panel:
    """Values over time; ``limits`` are drawn as dashed lines. width: of 24 columns."""
    panel = (
        timeseries.Panel()
        .title(title).description(description).datasource(SOURCE).unit(unit).span(width).height(8)
        .line_width(2).fill_opacity(30 if stacked else 8).show_points(VisibilityMode.AUTO).span_nulls(False)
        .legend(_legend()).tooltip(_tooltip()).thresholds(_steps(limits))
    )  # fmt: skip
    low, high = bounds
    panel = panel if low is None else panel.min(low)
    panel = panel if high is None else panel.max(high)
    if limits:
        panel = panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED))
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    return panel.targets(list(_over_time(queries)))


def number(
    title: str, description: str, expression: str, *, unit: str = "short", width: int = 4, limits: Sequence[Limit] = ()
) -> Panel:
    """The newest value, large, with its course behind it."""
    return (
        stat.Panel()
        .title(title).description(description).datasource(SOURCE).unit(unit).span(width).height(4)
        .color_mode(BigValueColorMode.VALUE).graph_mode(BigValueGraphMode.AREA).no_value("none")
        .reduce_options(_newest()).thresholds(_steps(limits)).targets(list(_over_time([(expression, "")])))
    )  # fmt: skip


def bars(
    title: str,
    description: str,
    expression: str,
    legend: str,
    *,
    unit: str = "short",
    width: int = 12,
    limits: Sequence[Limit] = (),
) -> Panel:
    """What stands now, one bar for each series, in the order of the query."""
    return (
        bargauge.Panel()
        .title(title).description(description).datasource(SOURCE).unit(unit).span(width).height(8)
        .orientation(VizOrientation.HORIZONTAL).display_mode(BarGaugeDisplayMode.BASIC)
        .reduce_options(_newest()).thresholds(_steps(limits)).targets(list(_now([(expression, legend)])))
    )  # fmt: skip


def cells(title: str, description: str, expression: str) -> Panel:
    """A Prometheus histogram over time; the query sums its rate by ``le``."""
    target = prometheus.Dataquery().expr(expression).legend_format("{{le}}").format(PromQueryFormat.HEATMAP)
    return (
        heatmap.Panel()
        .title(title).description(description).datasource(SOURCE).span(12).height(8).calculate(False)
        .targets([target.ref_id("A").datasource(SOURCE).range()])
    )  # fmt: skip


def rows(
    title: str, description: str, by: Sequence[str], columns: Sequence[tuple[str, str]], *, height: int = 8
) -> Panel:
    """A table: one row for each combination of the labels ``by``, one column for each (name, PromQL)."""
    expressions = [(f"{expression}", name) for name, expression in columns]
    targets = [target.format(PromQueryFormat.TABLE) for target in _now(expressions)]
    names = {f"Value #{letter}": name for letter, (name, _) in zip(ascii_uppercase, columns, strict=False)}
    order = {name: index for index, name in enumerate([*by, *names])}
    return (
        table.Panel()
        .title(title).description(description).datasource(SOURCE).span(24).height(height).show_header(True)
        .transformations(
            [
                models.DataTransformerConfig(id_val="merge", options={}),
                models.DataTransformerConfig(
                    id_val="organize",
                    options={"excludeByName": {"Time": True}, "indexByName": order, "renameByName": names},
                ),
            ]
        )
        .targets(list(targets))
    )  # fmt: skip


def _over_time(queries: Iterable[Query]) -> Iterable[prometheus.Dataquery]:
    for letter, (expression, legend) in zip(ascii_uppercase, queries, strict=False):
        target = prometheus.Dataquery().expr(expression).ref_id(letter).datasource(SOURCE).range()
        yield target.legend_format(legend) if legend else target


def _now(queries: Iterable[Query]) -> Iterable[prometheus.Dataquery]:
    for target in _over_time(queries):
        yield target.instant()


def _steps(limits: Sequence[Limit]) -> builders.ThresholdsConfig:
    steps = [models.Threshold(value=None, color="green"), *(models.Threshold(value=v, color=c) for v, c in limits)]
    return builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _newest() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False)


def _legend() -> common.VizLegendOptions:
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    return legend.show_legend(True).calcs([])


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)
