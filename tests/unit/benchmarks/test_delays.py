import numpy as np

from benchmarks.harness.delays import Seen, delays

SLICE = (60_000, "v1")


def test_a_label_waits_for_the_first_record_that_counts_it() -> None:
    seen = [Seen(SLICE, 1, 10.0), Seen(SLICE, 3, 12.0)]
    assert delays({SLICE: [9.0, 9.5, 11.0]}, seen).tolist() == [1.0, 2.5, 1.0]


def test_a_label_that_no_record_counts_waits_for_ever() -> None:
    assert delays({SLICE: [1.0, 2.0]}, [Seen(SLICE, 1, 4.0)]).tolist() == [3.0, np.inf]


def test_an_older_record_that_is_read_later_does_not_take_labels_back() -> None:
    seen = [Seen(SLICE, 2, 5.0), Seen(SLICE, 1, 6.0), Seen(SLICE, 3, 7.0)]
    assert delays({SLICE: [1.0, 1.0, 1.0]}, seen).tolist() == [4.0, 4.0, 6.0]


def test_records_of_another_slice_count_nothing_here() -> None:
    assert delays({SLICE: [1.0]}, [Seen((60_000, "v2"), 5, 2.0)]).tolist() == [np.inf]
