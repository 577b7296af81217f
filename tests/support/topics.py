"""Topics of one test on a broker that other tests share: a prefix of their own, gone afterwards."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code

_TRIES_MAX = 100


class ScratchTopics:
    """Creates topics named `prefix` + name; see `scratch_topics`."""

    def __init__(self, admin: AIOKafkaAdminClient, prefix: str) -> None:
        self._admin = admin
        self.prefix = prefix

    async def create(
        self, name: str, partitions: int = 4, replication_factor: int = 1, config: Mapping[str, str] | None = None
    ) -> str:
        """Create a topic and return its full name once the broker lists it; raises aiokafka's error if it refuses."""
        full = self.prefix + name
        new = NewTopic(full, partitions, replication_factor, topic_configs=dict(config or {}))
        response = await self._admin.create_topics([new])
        for _, code, *message in response.topic_errors:  # the client itself never raises these
            if code:
                raise for_code(code)(*message)
        for _ in range(_TRIES_MAX):  # the broker answers before it tells others
            if full in await self.names():
                return full
            await asyncio.sleep(0.05)
        raise TimeoutError(f"{full} is not there after it was created")

    async def names(self) -> list[str]:
        """Full names of all topics with our prefix, whoever created them."""
        return sorted(name for name in await self._admin.list_topics() if name.startswith(self.prefix))

    async def delete_all(self) -> None:
        """Delete every topic with our prefix, and wait until the broker no longer lists them."""
        for _ in range(_TRIES_MAX):
            if not (names := await self.names()):
                return
            await self._admin.delete_topics(names)  # the broker answers before the topics are gone
            await asyncio.sleep(0.05)
        raise TimeoutError(f"topics with prefix {self.prefix} are still there after deletion")


@asynccontextmanager
async def scratch_topics(bootstrap: str) -> AsyncIterator[ScratchTopics]:
    """Topics under a prefix that no other test has, deleted at the end (those that a worker added too)."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    topics = ScratchTopics(admin, f"t{uuid.uuid4().hex[:10]}-")
    try:
        yield topics
    finally:
        await topics.delete_all()
        await admin.close()
