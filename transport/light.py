"""Whole batches of aiokafka's own C records, without a Python frame and a dataclass for each.

Worth about a microsecond a record. It reaches into aiokafka's fetcher, so a test holds it against
the aiokafka that is installed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException

DRAINED_RECORDS_MIN = 8_000
_topics: set[str] = set()
_plain_getall = fetcher.FetchResult.getall


def keep_records_light(topics: Iterable[str]) -> None:
    """Hand out light records for these topics; every other topic keeps aiokafka's own."""
    _topics.update(topics)
    fetcher.FetchResult.getall = _getall


def _getall(self: Any, max_records: int | None = None) -> list[Any]:  # noqa: ANN401  # aiokafka's FetchResult
    records = self._partition_records
    tp = self._topic_partition
    uncommitted = records is not None and records._isolation_level == fetcher.READ_UNCOMMITTED  # noqa: SLF001
    if tp.topic not in _topics or max_records is not None or not uncommitted:
        found: list[Any] = _plain_getall(self, max_records)
        return found
    if not self.check_assignment(tp) or not self.has_more():
        return []
    light, done = _drain(records)
    self._update_position()
    if done:
        self._partition_records = None
    return light


def _drain(records: Any) -> tuple[list[Any], bool]:  # noqa: ANN401  # aiokafka's PartitionRecords
    """(records of a fetch from the wanted offset on, whether they are all); moves the position behind them.

    A fetch of some megabytes unpacked at once would be ten times that in memory.
    """
    found: list[Any] = []
    records._records_iterator = None  # noqa: SLF001  # it holds the records that hold it, and so a fetch's megabytes
    log = records._records  # noqa: SLF001
    while log.has_next():
        batch = log.next_batch()
        if records._check_crcs and not batch.validate_crc():  # noqa: SLF001
            raise CorruptRecordException(f"invalid CRC in {records._tp}")  # noqa: SLF001
        if not batch.is_control_batch:
            some = list(batch)
            wanted = records.next_fetch_offset
            if some and some[0].offset < wanted:  # a batch is fetched whole
                some = [one for one in some if one.offset >= wanted]
            found += some
        records.next_fetch_offset = batch.next_offset
        if len(found) >= DRAINED_RECORDS_MIN:
            break
    return found, not log.has_next()
