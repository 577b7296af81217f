"""From when a label was published and what the metric records said when, to how long each label took."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Slice = tuple[int, str]  # (start of the window in ms, model version)


@dataclass(frozen=True, slots=True)
class Seen:
    """One metric record as it came out: its slice, how many labels it counts, when it was read."""

    slice: Slice
    labelled: int
    at_seconds: float


def delays(published: dict[Slice, list[float]], seen: Iterable[Seen]) -> NDArray[np.float64]:
    """Seconds from each label's publishing to the first record that counts it; infinite if none does.

    The k-th label published into a slice is taken as counted once a record says ``labelled >= k``. Labels of
    different partitions may overtake each other, by no more than the workers are apart.
    """
    records: dict[Slice, list[Seen]] = defaultdict(list)
    for record in seen:
        records[record.slice].append(record)
    return np.concatenate([_of_slice(times, records[where]) for where, times in published.items()])


def _of_slice(times: list[float], records: list[Seen]) -> NDArray[np.float64]:
    """Seconds for each label of one slice, in the order of publishing."""
    counted = np.maximum.accumulate(np.array([0, *(record.labelled for record in records)]))
    read_at = np.array([-np.inf, *(record.at_seconds for record in records), np.inf])
    first = np.searchsorted(counted, np.arange(1, len(times) + 1), side="left")
    return np.asarray(read_at[first] - np.array(times), dtype=np.float64)
