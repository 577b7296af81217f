"""The demo's broker: librdkafka's mock cluster, inside this process, with no Java and no disk.

confluent-kafka brings librdkafka along, whose C interface (rdkafka_mock.h) is called here directly: through the
Python property `test.mock.num.brokers` every topic has 4 partitions and every consumer group waits 3 s at first.

What it cannot do (tried with confluent-kafka 2.16 and aiokafka 0.14), and why `hindcast worker` refuses it:

- It keeps the newest 5 MiB (as sent, so compressed counts less) of a partition; a consumer that falls behind gets
  OffsetOutOfRange. Nothing outlives the process, nothing is compacted.
- No administration: no CreateTopics, DeleteTopics, CreatePartitions, DeleteRecords, DescribeConfigs, groups.
  Topics are made by `create_topic`, or with 4 partitions when a client first asks for them.
- One member a consumer group: a second one fails in SyncGroup. A member that joins after another has left waits for
  the session time-out.
- Transactions leave a record with a wrong checksum, at which aiokafka's consumer stops. Idempotent producers work.
- ListOffsets knows the first and the next offset only; a time is answered with nothing.
"""

import ctypes
from types import TracebackType
from typing import Self

from confluent_kafka import cimpl

from models.errors import WorldError

_PRODUCER = 0  # rd_kafka_type_t
_CONF_OK = 0  # rd_kafka_conf_res_t
_ERROR_BYTES = 512

_Pointer = ctypes.c_void_p
_SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "rd_kafka_conf_new": (_Pointer, []),
    "rd_kafka_conf_set": (
        ctypes.c_int,
        [_Pointer, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t],
    ),
    "rd_kafka_new": (_Pointer, [ctypes.c_int, _Pointer, ctypes.c_char_p, ctypes.c_size_t]),
    "rd_kafka_destroy": (None, [_Pointer]),
    "rd_kafka_err2str": (ctypes.c_char_p, [ctypes.c_int]),
    "rd_kafka_mock_cluster_new": (_Pointer, [_Pointer, ctypes.c_int]),
    "rd_kafka_mock_cluster_destroy": (None, [_Pointer]),
    "rd_kafka_mock_cluster_bootstraps": (ctypes.c_char_p, [_Pointer]),
    "rd_kafka_mock_topic_create": (ctypes.c_int, [_Pointer, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [_Pointer, ctypes.c_int32]),
}


class EmbeddedBroker:
    """A broker on loopback for as long as the object is open (a context manager).

    Raises WorldError if the installed confluent-kafka does not offer librdkafka's mock cluster.
    """

    def __init__(self) -> None:
        self._library = _librdkafka()
        self._handle = self._new_handle()
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._handle, 1)
        if not self._cluster:
            self._library.rd_kafka_destroy(self._handle)
            raise WorldError("the embedded broker could not be started: librdkafka made no mock cluster")
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        #: Address as in `kafka.bootstrap_servers`.
        self.bootstrap: str = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def create_topic(self, name: str, partitions: int) -> None:
        """Create a topic; raises WorldError if the broker refuses, for example because it exists."""
        assert self._cluster, "the broker is closed"
        code = self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1)
        if code:
            reason = self._library.rd_kafka_err2str(code).decode()
            raise WorldError(f"the embedded broker could not create topic {name}: {reason}")

    def close(self) -> None:
        """End the broker and forget its records; may be called twice."""
        if self._cluster:
            self._library.rd_kafka_mock_cluster_destroy(self._cluster)
            self._library.rd_kafka_destroy(self._handle)
            self._cluster = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _new_handle(self) -> int:
        """A client that never connects anywhere: librdkafka hangs a mock cluster on one."""
        said = ctypes.create_string_buffer(_ERROR_BYTES)
        settings = self._library.rd_kafka_conf_new()
        # Else it warns on stderr, in the middle of the demo's screen, that it knows no broker.
        if self._library.rd_kafka_conf_set(settings, b"log_level", b"0", said, _ERROR_BYTES) != _CONF_OK:
            raise WorldError(f"the embedded broker could not be started: {said.value.decode()}")
        handle: int | None = self._library.rd_kafka_new(_PRODUCER, settings, said, _ERROR_BYTES)
        if not handle:
            raise WorldError(f"the embedded broker could not be started: {said.value.decode()}")
        return handle


def _librdkafka() -> ctypes.CDLL:
    """The librdkafka that confluent-kafka's extension module is linked with."""
    library = ctypes.CDLL(cimpl.__file__)  # symbols of what it links are found through it
    try:
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except AttributeError as missing:
        raise WorldError(f"this confluent-kafka has no embedded broker: {missing}") from missing
    return library
