"""What all dashboards have in common: their variables, their layout, and how one becomes JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import table

from dashboards.panels import SOURCE, Panel

TAG: Final = "hindcast"
EVERYTHING: Final = ".*"
WHOLE_MODEL: Final = "^$"
"""The whole model has an empty segment, which Prometheus keeps as no label at all."""


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard: its file and address, and titled rows of panels."""

    name: str
    title: str
    description: str
    variables: Sequence[builders.QueryVariable]
    sections: Mapping[str, Sequence[Panel]]

    def json(self) -> str:
        """The dashboard as Grafana reads it (classic model), the same text for the same panels."""
        board = (
            builders.Dashboard(f"Hindcast: {self.title}")
            .uid(f"hindcast-{self.name}").description(self.description).tags([TAG]).timezone("browser")
            .time("now-6h", "now").refresh("30s").tooltip(models.DashboardCursorSync.CROSSHAIR).editable()
            .link(_others()).variables([_datasource(), *self.variables])
        )  # fmt: skip
        for title, panels in self.sections.items():
            board = board.with_row(builders.Row(title))
            for one in panels:
                board = board.with_panel(one)
        built = board.build()
        for number, panel in enumerate(built.panels or [], 1):
            panel.id_val = number
        _leave_out_what_grafana_does_not_know(built)
        return JSONEncoder(sort_keys=True, indent=1).encode(built) + "\n"


def _leave_out_what_grafana_does_not_know(built: models.Dashboard) -> None:
    """The SDK (of Grafana 11) gives every variable what only intervals have, and tables a footer that 13 moved."""
    for variable in built.templating.list_val or []:
        variable.auto = variable.auto_min = variable.auto_count = None
    for panel in built.panels or []:
        if isinstance(panel, models.Panel) and isinstance(panel.options, table.Options):
            panel.options.footer = None


def model(*, several: bool = False) -> builders.QueryVariable:
    """Which model; ``several``: any number of them, all at first."""
    return _choice("model", "Model", "label_values(ml_predictions_total, model)", several=several)


def version(*, of_models: str = 'model="$model"') -> builders.QueryVariable:
    """Which of its versions, all at first."""
    return _choice("version", "Version", f"label_values(ml_predictions_total{{{of_models}}}, version)", several=True)


def span(*, of_models: str = 'model="$model"') -> builders.QueryVariable:
    """Which window or rolling span the gauges show."""
    return _choice("span", "Span", f"label_values(ml_model_label_coverage{{{of_models}}}, span)")


def segment() -> builders.QueryVariable:
    """Which segment, or the whole model."""
    of_model = 'label_values(ml_model_label_coverage{model="$model"}, segment)'
    variable = _choice("segment", "Segment (All: whole model)", of_model)
    return variable.include_all(True).all_value(WHOLE_MODEL).current(_all())


def segments() -> builders.QueryVariable:
    """Which segments, all at first."""
    of_model = 'label_values(ml_model_label_coverage{model="$model", segment!=""}, segment)'
    return _choice("segment", "Segments", of_model, several=True).all_value(".+")


def _choice(name: str, label: str, query: str, *, several: bool = False) -> builders.QueryVariable:
    variable = (
        builders.QueryVariable(name)
        .label(label).datasource(SOURCE).query(query).sort(models.VariableSort.ALPHABETICAL_ASC)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    )  # fmt: skip
    if not several:
        return variable
    return variable.multi(True).include_all(True).all_value(EVERYTHING).current(_all())


def _all() -> models.VariableOption:
    return models.VariableOption(selected=True, text="All", value="$__all")


def _datasource() -> builders.DatasourceVariable:
    return builders.DatasourceVariable("datasource").label("Data source").type("prometheus")


def _others() -> builders.DashboardLink:
    links = builders.DashboardLink("Hindcast").type(models.DashboardLinkType.DASHBOARDS).tags([TAG])
    return links.as_dropdown(True).include_vars(True).keep_time(True)
