"""From a model's settings to what is counted of its predictions before any label."""

from __future__ import annotations

from functools import lru_cache

from metrics.business import Rates
from metrics.inputs import Inputs
from metrics.observer import OWN_FIELDS, ModelObserver, Watching
from metrics.scores import ScorePart
from metrics.service import Service
from metrics.window_layout import WindowLayout
from models.mapping import Paths, field_map
from models.outcome import Task
from runtime.settings import ModelSettings
from tables.plan import Watch
from tables.tasks import parts


def watch(model: ModelSettings) -> Watch:
    """How latency and errors are counted, and with a baseline inputs and scores."""
    own, containers = _own_paths(model)
    baseline, over = model.baseline, model.drift.over
    if baseline is None or not (baseline.features or baseline.scores):
        return _plain(own)
    features = tuple(baseline.features.items())
    paths = (*own, *(feature_paths(name, containers) for name, _ in features))
    seconds, least = (over.ms or 0) / 1000, max(model.drift.min_records, over.records or 0)
    watching: list[Watching] = [Service()]
    if features:
        watching.append(Inputs(features, seconds, least))
    if baseline.scores is not None and model.task == "binary":
        watching.append(ScorePart(baseline.scores, seconds, least))
    return Watch(ModelObserver(paths, features), tuple(watching), always=True)


@lru_cache(maxsize=1_000)
def _plain(own: tuple[Paths, ...]) -> Watch:
    """One object for all models that are read alike, so that they share their decoders."""
    return Watch(ModelObserver(own), (Service(),), always=False)


@lru_cache(maxsize=1_000)
def whole_layout(
    task: Task, classes_max: int, business: Rates | None, watch: Watch, *, has_class_scores: bool
) -> WindowLayout:
    """Outcomes and what is watched besides; one object for all models that are watched alike."""
    outcomes = parts(task, classes_max, business, has_class_scores=has_class_scores, whole=True)
    return WindowLayout((*outcomes, *watch.parts))


def _own_paths(model: ModelSettings) -> tuple[tuple[Paths, ...], Paths]:
    fields = {str(meaning): path for meaning, path in model.predictions.fields.items()}
    mapped = field_map("predictions", fields)
    return tuple(mapped[meaning] for meaning in OWN_FIELDS), mapped["features"]


def feature_paths(name: str, containers: Paths) -> Paths:
    """Among the features, else at the top level."""
    path = tuple(name.split("."))
    return (*(above + path for above in containers), path)
