"""From a model's settings to what is counted of its predictions before any label."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from metrics.business import Rates
from metrics.class_predictions import ClassPredictions
from metrics.embeddings import Embeddings
from metrics.inputs import Inputs
from metrics.observer import OWN_FIELDS, ModelObserver, Watching
from metrics.resources import Resources
from metrics.scores import ScorePart
from metrics.service import Service
from metrics.value_predictions import ValuePredictions
from metrics.window_layout import WindowLayout
from models.mapping import RESOURCES, Paths, field_map
from models.outcome import Task
from runtime.settings import ModelSettings
from tables.plan import Watch
from tables.tasks import parts


def watch(model: ModelSettings) -> Watch:
    """How latency, errors and resources are counted, and with a baseline inputs and predictions."""
    resources = watched_resources(model)
    own, containers, embedding = _own_paths(model, resources)
    compared = tuple(_compared(model))
    if model.baseline is None or not compared:
        return _plain(own, resources)
    features, dimension = tuple(model.baseline.features.items()), len(model.baseline.centroid)
    paths = (*own, *(feature_paths(name, containers) for name, _ in features), *[embedding] * (dimension > 0))
    may_be_told = bool(features) and model.features is None  # an allow-list means that others are not looked at
    observer = ModelObserver(paths, features, resources, containers if may_be_told else (), dimension)
    return Watch(observer, (*_serving(resources), *compared), always=True)


def watched_resources(model: ModelSettings) -> tuple[str, ...]:
    """All with ``resources: true``, else those that ``predictions.fields`` maps."""
    return tuple(name for name in RESOURCES if model.resources or name in model.predictions.fields)


def is_compared(model: ModelSettings) -> bool:
    """Whether there is a baseline that something of the model's predictions can be held against."""
    return any(True for _ in _compared(model))


def _compared(model: ModelSettings) -> Iterator[Watching]:
    """What is counted to be compared with the baseline."""
    baseline, over = model.baseline, model.drift.over
    if baseline is None:
        return
    seconds, least = (over.ms or 0) / 1000, max(model.drift.min_records, over.records or 0)
    if baseline.features:
        yield Inputs(tuple(baseline.features.items()), seconds, least)
    if baseline.centroid:
        yield Embeddings(baseline.centroid, baseline.centroid_scatter, seconds, least)
    if model.task == "binary" and baseline.scores is not None:
        yield ScorePart(baseline.scores, seconds, least)
    if model.task == "multiclass" and baseline.predictions:
        yield ClassPredictions(baseline.predictions, model.classes_max, seconds, least)
    if model.task == "regression" and baseline.prediction is not None:
        yield ValuePredictions(baseline.prediction, baseline.losses, seconds, least)


@lru_cache(maxsize=1_000)
def _plain(own: tuple[Paths, ...], resources: tuple[str, ...]) -> Watch:
    """One object for all models that are read alike, so that they share their decoders."""
    return Watch(ModelObserver(own, resources=resources), _serving(resources), always=False)


def _serving(resources: tuple[str, ...]) -> tuple[Watching, ...]:
    return (Service(), Resources(resources)) if resources else (Service(),)


@lru_cache(maxsize=1_000)
def whole_layout(
    task: Task, classes_max: int, business: Rates | None, watch: Watch, *, has_class_scores: bool
) -> WindowLayout:
    """Outcomes and what is watched besides; one object for all models that are watched alike."""
    outcomes = parts(task, classes_max, business, has_class_scores=has_class_scores, whole=True)
    return WindowLayout((*outcomes, *watch.parts))


def _own_paths(model: ModelSettings, resources: tuple[str, ...]) -> tuple[tuple[Paths, ...], Paths, Paths]:
    """Where the values of `OWN_FIELDS` and of the resources may stand, the features, the embedding."""
    fields = {str(meaning): path for meaning, path in model.predictions.fields.items()}
    mapped = field_map("predictions", fields)
    return tuple(mapped[meaning] for meaning in (*OWN_FIELDS, *resources)), mapped["features"], mapped["embedding"]


def feature_paths(name: str, containers: Paths) -> Paths:
    """Among the features, else at the top level."""
    path = tuple(name.split("."))
    return (*(above + path for above in containers), path)
