"""Is a model wrong more often than it used to be? Detectors fed with the labels of final windows, each window once.

Final windows alone, in the order of event time: what has been folded in is never corrected, so that a replay of the
log arrives at the same evidence. What each detector promises is written down in `metrics.sequential`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import exp
from typing import Final, Self

import msgspec

from metrics.adwin import Adwin
from metrics.inputs import Inputs
from metrics.scores import ScorePart
from metrics.sequential import RUN_LENGTH, EDetector, PageHinkley
from models.metric_record import iso_ms
from tables.plan import ModelPlan

LEARNED_RECORDS: Final = 1_000
"""So many labelled records say what is usual, where the baseline does not."""

Reference = tuple[int, int]
"""(errors, labelled records)."""


@dataclass(frozen=True, slots=True)
class ConceptWatch:
    """The detectors of one model version, as they stand after all its final windows.

    reference: what is usual; as long as there is no detector it is being learned. risen: the latest change that ADWIN
    found was a rise. since_ms: start of the window in which the alarm began. rounds: grows whenever the rest may have.
    """

    reference: Reference = (0, 0)
    detector: EDetector | None = None
    page_hinkley: PageHinkley = field(default_factory=PageHinkley)
    adwin: Adwin = field(default_factory=Adwin)
    risen: bool = False
    since_ms: int | None = None
    rounds: int = 0

    @classmethod
    def begin(cls, reference: Reference | None) -> Self:
        """With a baseline's errors, or, if it has too few labels to tell, with none."""
        detector = _detector_of(reference) if reference else None
        return cls(reference, detector) if reference and detector else cls()

    def resumed(self, reference: Reference | None) -> Self:
        """The state after a restart: all over again if the baseline has become another one."""
        anew = type(self).begin(reference)
        if anew.detector is None or anew.reference == self.reference:
            return self
        return replace(anew, rounds=self.rounds)

    def update(self, start_ms: int, errors: int, records: int) -> Self:
        """The state after the window that starts then, with so many errors among so many labelled records."""
        adwin = self.adwin.update(errors, records)
        has_cut = adwin.records < self.adwin.records + records
        fed = replace(
            self,
            page_hinkley=self.page_hinkley.update(errors, records),
            adwin=adwin,
            risen=adwin.alarm if has_cut else self.risen,
        )
        if self.detector is None:
            usual = self.reference[0] + errors, self.reference[1] + records
            return replace(fed, reference=usual, detector=_detector_of(usual))
        detector = self.detector.update(errors, records)
        began_ms = start_ms if self.since_ms is None else self.since_ms
        return replace(fed, detector=detector, since_ms=began_ms if detector.alarm else None)

    def next_round(self) -> Self:
        """After the windows of one round, also where there were none."""
        return replace(self, rounds=self.rounds + 1)

    def summary(self) -> dict[str, object]:
        """``drift.concept`` of the metric record; e_value and alarm None, with a reason, before there is a reference.

        adwin: the latest change it found was a rise, and the rate since then is still above the reference.
        """
        rate, detector = self.adwin.rate, self.detector
        found: dict[str, object] = {
            "e_value": None if detector is None else exp(detector.log_r),
            "threshold": RUN_LENGTH if detector is None else detector.run_length,
            "alarm": None if detector is None else detector.alarm,
            "since": None if self.since_ms is None else iso_ms(self.since_ms),
            "labelled": self.page_hinkley.records,
            "page_hinkley": self.page_hinkley.alarm,
            "adwin": self.risen and rate is not None and (detector is None or rate > detector.p0),
        }
        if detector is None:
            known = f"{self.reference[1]} final labels"
            found["reason"] = f"{known}, {LEARNED_RECORDS} are needed to know the usual error rate"
        return found


def concept_watch(plan: ModelPlan, segment: str, stored: object = None) -> ConceptWatch | None:
    """The watch of a slice; None of a segment, of a task without errors, and of a model that has no baseline.

    stored: as msgpack brought it back, if there was one. Raises msgspec.ValidationError if it is none.
    """
    if stored is not None:
        return msgspec.convert(stored, ConceptWatch).resumed(plan.reference_errors)
    if segment or plan.task != "binary" or not any(isinstance(part, ScorePart | Inputs) for part in plan.whole.parts):
        return None
    return ConceptWatch.begin(plan.reference_errors)


def _detector_of(reference: Reference) -> EDetector | None:
    errors, records = reference
    return EDetector.of_reference(errors, records) if records >= LEARNED_RECORDS else None
