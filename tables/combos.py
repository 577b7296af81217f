"""Codes for what a prediction is sliced by, kept in the state so that they never change.

A *combo* is (model, version, value of segment field 1, …) as a batch carries it; it gets a small
integer. A *slice* is what windows are kept for: (model, version, "") and, for each configured
segment field, (model, version, "field=value").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from metrics.window_layout import WindowLayout
from models.combo import Combo
from tables.plan import Plan

Slice = tuple[str, str, str]


class Described(NamedTuple):
    """What the rules of time need of a combo: codes and milliseconds."""

    model: int
    version: int
    window_ms: int
    hold_ms: int
    horizon_ms: int
    label_skew_ms: int
    label_topic: int


LABEL_TOPIC = Described._fields.index("label_topic")


class Combos:
    """The dictionary of one state partition, with a numpy column for each rule of time."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.names: list[Combo] = []
        self.slices: list[Slice] = []
        self._owners: list[str] = []
        self._layouts: list[WindowLayout] = []
        self._code: dict[Combo, int] = {}
        self._slice_code: dict[Slice, int] = {}
        self._version_code: dict[tuple[str, str], int] = {}
        self.models: list[str] = []
        self._model_code: dict[str, int] = {}
        self.label_topics: list[str] = []
        self._rows: list[Described] = []
        self._leaves: list[list[int]] = []
        self._columns: NDArray[np.int64] | None = None
        self._leaf_columns: NDArray[np.int64] | None = None

    def codes(self, combos: Sequence[Combo]) -> NDArray[np.int64]:
        """The code of each combo, int64[len]; unknown ones get the next code."""
        return np.array([self.code(c) for c in combos], np.int64)

    def code(self, combo: Combo) -> int:
        """The code of one combo; an unknown one gets the next."""
        code = self._code.get(combo)
        if code is None:
            code = self._code[combo] = len(self.names)
            self.names.append(combo)
            self._describe(combo)
            self._columns = self._leaf_columns = None
        return code

    def _describe(self, combo: Combo) -> None:
        model, version, *values = combo
        plan = self.plan.of(model)
        segments = ["", *(f"{k}={v}" for k, v in zip(plan.segments, values, strict=False))]
        self._leaves.append([self._slice((model, version, s)) for s in segments])
        if model not in self._model_code:
            self._model_code[model] = len(self.models)
            self.models.append(model)
        version_code = self._version_code.setdefault((model, version), len(self._version_code))
        self._rows.append(
            Described(
                model=self._model_code[model],
                version=version_code,
                window_ms=plan.window_ms,
                hold_ms=plan.hold_ms,
                horizon_ms=plan.horizon_ms,
                label_skew_ms=plan.label_skew_ms,
                label_topic=self.topic_code(plan.labels_topic),
            )
        )

    def owner(self, slice_code: int) -> str:
        """The configured model (or ``"*"``) that a slice belongs to."""
        return self._owners[slice_code]

    def whole(self, code: int) -> int:
        """The slice of a combo's whole model."""
        return self._leaves[code][0]

    def layout(self, slice_code: int) -> WindowLayout:
        """How the accumulators of a slice are laid out."""
        return self._layouts[slice_code]

    def slice_code(self, name: Slice) -> int | None:
        """The code of a slice; None if this partition has never seen it."""
        return self._slice_code.get(name)

    def topic_code(self, labels_topic: str) -> int:
        """The code of a labels topic: ids are told apart by it; an unknown one gets the next."""
        if labels_topic not in self.label_topics:
            self.label_topics.append(labels_topic)
        return self.label_topics.index(labels_topic)

    def _slice(self, name: Slice) -> int:
        code = self._slice_code.get(name)
        if code is None:
            code = self._slice_code[name] = len(self.slices)
            self.slices.append(name)
            plan = self.plan.of(name[0])
            self._owners.append(plan.name)
            self._layouts.append(plan.layout(name[2]))
        return code

    @property
    def columns(self) -> NDArray[np.int64]:
        """int64[7, combos] in the order of `Described`."""
        if self._columns is None:
            width = len(Described._fields)
            self._columns = np.array(self._rows, np.int64).reshape(-1, width).T.copy()
        return self._columns

    def row(self, code: int) -> Described:
        """One combo."""
        return self._rows[code]

    def leaf_table(self, codes: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """For each level (0 = whole model) the records at it and their slice codes, those of one layout together.

        Combos of models with fewer segment fields are absent from the deeper levels.
        """
        if self._leaf_columns is None:
            deepest = max(map(len, self._leaves), default=0)
            padded = [x + [-1] * (deepest - len(x)) for x in self._leaves]
            self._leaf_columns = np.array(padded, np.int64).reshape(-1, deepest).T.copy()
        levels = []
        for column in self._leaf_columns:
            at = column[codes]
            index = np.flatnonzero(at >= 0)
            if len(index):
                levels += self._alike(index, at[index])
        return levels

    def _alike(
        self, index: NDArray[np.int64], slices: NDArray[np.int64]
    ) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        kinds = {(bool(segment), layout) for (_, _, segment), layout in zip(self.slices, self._layouts, strict=True)}
        if len(kinds) == len({of_segment for of_segment, _ in kinds}):  # a level is of whole models, or of segments
            return [(index, slices)]
        distinct = list(dict.fromkeys(self._layouts))
        number = np.array([distinct.index(layout) for layout in self._layouts])[slices]
        return [(index[mask], slices[mask]) for n in np.unique(number).tolist() if (mask := number == n).any()]
