"""Has the error rate risen? Detectors that may be asked after every window, with the false alarms counted in.

A detector is an immutable state; `update` folds one window in, as so many errors of so many labelled records, in the
order of event time. An alarm stands as long as the evidence does: the statistic is capped at twice its threshold,
so that it falls again soon after the error rate has. See also `metrics.adwin`.

Error 5.6 % -> 8.4 % after 25,000 clean records in windows of 50 (of 500), 400 runs: the e-detector with p0 = 5.6 %
is late by 1,100 (1,500) records in the median, Page-Hinkley by 1,250 (1,500), ADWIN by 1,700 (2,000); 1 % of the runs
or fewer gave a false alarm. No detector can be much quicker: a record tells 0.0065 nats of the two rates apart, and
1,500 of them 9.8, give or take 4.7 by chance, so a third of the changes take longer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import expm1, inf, log
from typing import Final, Self

import numpy as np

from metrics.intervals import wilson

RISE: Final = 1.5
"""The rise that is looked for: the error rate times this."""
RUN_LENGTH: Final = 1e6


@dataclass(frozen=True, slots=True)
class EDetector:
    """Shiryaev-Roberts e-detector of a Bernoulli rate (Shin, Ramdas & Rinaldo 2024).

    R = (R + 1) e after each record, e its likelihood under p1 over that under p0; alarm when R reaches run_length.
    As long as every record errs with p0 at most, R less the number of records does not grow in expectation: the mean
    number of labelled records until a false alarm is at least run_length, and the probability of one within n records
    at most n / run_length (Doob).

    A window does not say in which order its records erred, so they are taken to have erred evenly: each one's e is
    the geometric mean g of the window's. By Maclaurin's inequality g^j is at most the mean of e's product over all
    subsets of j records, whose expectation is at most 1: R is smaller than that of a random order on average, and
    both guarantees stand, whatever the windows' sizes.
    """

    p0: float
    p1: float
    run_length: float = RUN_LENGTH
    log_r: float = -inf

    @classmethod
    def of_reference(cls, errors: int, records: int, rise: float = RISE, run_length: float = RUN_LENGTH) -> Self | None:
        """With p0 the upper end of the Wilson interval of the reference's error rate, for that is not known better.

        None if the reference has no labelled records, or nothing but errors. It takes many to know p0 well: with a
        true rate of 5.6 % that rises by half, 100,000 reference records cost 100 records of delay in the median,
        20,000 cost 400, 5,000 cost 900, and with 2,000 one rise in four goes unseen for 10,000 records.

        >>> EDetector.of_reference(56, 1000).p0.__round__(3)
        0.072
        """
        interval = wilson(errors, records)
        if interval is None or interval[1] >= 1:
            return None
        p0 = interval[1]
        return cls(p0, min(rise * p0, (1 + p0) / 2), run_length)

    @property
    def alarm(self) -> bool:
        """Whether the rate has risen above p0."""
        return self.log_r >= log(self.run_length)

    def update(self, errors: int, records: int) -> Self:
        """The state after a window of so many errors among so many labelled records."""
        if records <= 0:
            return self
        log_e = errors * log(self.p1 / self.p0) + (records - errors) * log((1 - self.p1) / (1 - self.p0))
        log_r = float(np.logaddexp(log_e + self.log_r, _log_sum_of_powers(log_e / records, records)))
        return replace(self, log_r=min(log_r, 2 * log(self.run_length)))


def _log_sum_of_powers(log_g: float, n: int) -> float:
    """log(g + g^2 + ... + g^n), for sums beyond what a float holds."""
    if abs(log_g) * n < 1e-9:
        return log(n)
    return log_g + _log_expm1(n * log_g) - _log_expm1(log_g)


def _log_expm1(x: float) -> float:
    """log|exp(x) - 1|."""
    return x + log(-expm1(-x)) if x > 0 else log(-expm1(x))


@dataclass(frozen=True, slots=True)
class PageHinkley:
    """Page-Hinkley test for a rise of the error rate (Page 1954; Hinkley 1971; one-sided).

    The sum of (error - mean so far - tolerance) above its least value so far; alarm when it exceeds threshold. The
    mean is that of all records up to the window's end. What threshold means depends on the rate: these defaults give
    1 % false alarms in 25,000 records at a rate of 5.6 %; at other rates prefer `EDetector`, whose budget holds.
    """

    tolerance: float = 0.01
    threshold: float = 24.0
    records: int = 0
    mean: float = 0.0
    statistic: float = 0.0

    @property
    def alarm(self) -> bool:
        """Whether the rate has risen above its mean."""
        return self.statistic > self.threshold

    def update(self, errors: int, records: int) -> Self:
        """The state after a window of so many errors among so many labelled records."""
        if records <= 0:
            return self
        seen = self.records + records
        mean = self.mean + (errors - records * self.mean) / seen
        statistic = self.statistic + errors - records * (mean + self.tolerance)
        capped = min(max(0.0, statistic), 2 * self.threshold)
        return replace(self, records=seen, mean=mean, statistic=capped)
