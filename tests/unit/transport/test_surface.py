"""What we rely on inside Faust and aiokafka: fails loudly when a new version changes it."""

import inspect
from collections.abc import Callable

import pytest
from aiokafka.consumer import fetcher
from faust.stores.base import Store
from faust.tables.base import Collection
from faust.transport.consumer import Consumer as BaseConsumer
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver

from tables.block_table import BlockStore, BlockTable
from transport import chunked


def parameters(function: Callable[..., object]) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name not in {"args", "kwargs", "_", "__"}]


@pytest.mark.parametrize(
    "name", ["getmany", "_getmany", "_new_offset", "_add_gap", "on_partitions_revoked", "perform_seek"]
)
def test_what_the_consumer_overrides_is_there_with_the_same_parameters(name: str) -> None:
    assert parameters(getattr(chunked.Consumer, name)) == parameters(getattr(BaseConsumer, name))


@pytest.mark.parametrize("name", ["persisted_offset", "set_persisted_offset", "on_rebalance", "on_recovery_completed"])
def test_what_the_store_overrides_is_there_with_the_same_parameters(name: str) -> None:
    assert parameters(getattr(BlockStore, name)) == parameters(getattr(Store, name))


def test_the_table_is_built_and_named_as_before() -> None:
    assert "_new_store" in vars(Collection)
    assert "_changelog_topic_name" in vars(Collection)
    assert parameters(BlockTable._changelog_topic_name) == parameters(Collection._changelog_topic_name)


def test_the_producer_still_takes_extra_settings() -> None:
    assert "_settings_extra" in vars(driver.Producer)
    settings = inspect.getsource(driver.Producer)
    assert "_settings_extra()" in settings


def test_the_fields_of_the_consumer_that_offsets_are_kept_in_are_there() -> None:
    source = inspect.getsource(BaseConsumer)
    for name in ("_acked_index", "_acked", "_committed_offset", "_read_offset", "_buffered_partitions", "flow_active"):
        assert f"self.{name}" in source


def test_aiokafkas_fetch_result_is_as_the_light_one_needs_it() -> None:
    assert parameters(fetcher.FetchResult.getall) == ["self", "max_records"]
    source = inspect.getsource(fetcher.PartitionRecords)
    for name in ("_records", "_records_iterator", "_check_crcs", "next_fetch_offset", "_isolation_level"):
        assert f"self.{name}" in source


def test_the_scheme_is_known_to_faust() -> None:
    scheme = chunked.register()
    assert TRANSPORTS.by_name(scheme) is chunked.Transport
