"""Several workers on one broker, in one process and in any order, with every fault at any point."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from models.batch import Source
from models.packed_batch import pack, unpack
from models.partial import decode_partials, encode_partials
from tables.block import JoinBlock, encode_block
from tables.checkpoint import Checkpoint
from tables.emitter import Emission, Emitter
from tables.fates import KINDS
from tables.join_state import JoinState, Memory
from tables.merge_state import MergeBlock, MergeState, encode_merge_block
from tables.records import Record, Recorder
from tests.simulation.log import Disk, FencedError, Log, Owner
from tests.simulation.story import END_MS, Reader, Story

MEMORY = Memory(recent_rows_max=8, slots_bytes_max=30_000, waiting_rows_max=5)
"""So little that rows and windows come back from the checkpoint."""


class Sender:
    """The re-keying of one source partition: from its committed position to every by-id log."""

    def __init__(self, story: Story, source: Source, position: int, chunk_max: int) -> None:
        self.reader = Reader(story, source, position)
        self.chunk_max = chunk_max
        self.ended = False

    def step(self, by_id: list[list[bytes]], reached: int) -> bool:
        """Send the next chunk to the first `reached` by-id partitions; whether all were reached."""
        if self.reader.done:
            batch = self.reader.marker(END_MS, idle=True)
            self.ended = True
        else:
            batch = self.reader.read(self.chunk_max)
        parts = batch.split(len(by_id))
        for log, part in list(zip(by_id, parts, strict=True))[:reached]:
            log.append(pack(part))
        return reached >= len(by_id)


@dataclass
class Worker:
    """One process: the partitions it owns, its emitter, what it has not sent yet."""

    number: int
    emitter: Emitter
    disks: dict[int, Disk]
    owned: dict[int, Owner[JoinState]] = field(default_factory=dict)
    outbox: list[tuple[int, bytes]] = field(default_factory=list)
    emission: Emission | None = None
    known: dict[int, Owner[JoinState]] = field(default_factory=dict)


class Cluster:
    """The whole way of the data, one random step after the other."""

    def __init__(self, story: Story, seed: int, *, states: int = 3, workers: int = 2, merges: int = 2) -> None:
        self.story, self.rng, self.plan = story, Random(seed), story.plan
        self.now_ms = 0
        self.by_id: list[list[bytes]] = [[] for _ in range(states)]
        self.changelogs = [Log() for _ in range(states)]
        self.read = [0] * states  # messages of each by-id partition that its owner has read
        self.committed = [0] * states
        self.promises: list[list[tuple[int, int]]] = [[] for _ in range(states)]
        self.senders = {s: self._sender(s, 0) for s in story.sources}
        self.sent = dict.fromkeys(story.sources, 0)
        self.zombies: list[Owner[JoinState]] = []
        self.workers = [Worker(n, Emitter(self.plan), {p: Disk() for p in range(states)}) for n in range(workers)]
        for number in range(states):
            self._assign(number, self.rng.choice(self.workers))
        self.partials: list[list[bytes]] = [[] for _ in range(merges)]
        self.merge_logs, self.merge_disks = [Log() for _ in range(merges)], [Disk() for _ in range(merges)]
        self.mergers = [self._merger(n) for n in range(merges)]
        self.records: list[Record] = []
        self.faults = 0

    # -- opening

    def _sender(self, source: Source, position: int) -> Sender:
        return Sender(self.story, source, position, self.rng.choice((1, 3, 10, 40)))

    def _open(self, number: int, checkpoint: Checkpoint) -> JoinState:
        return JoinState(self.plan, number, checkpoint, MEMORY)

    def _assign(self, number: int, worker: Worker) -> None:
        worker.owned[number] = Owner(number, self.changelogs[number], worker.disks[number], self._open, self.rng)
        self.read[number] = self.committed[number]
        self.promises[number] = []

    def _merger(self, number: int) -> tuple[Owner[MergeState], Recorder]:
        states = len(self.by_id)

        def opened(_: int, checkpoint: Checkpoint) -> MergeState:
            return MergeState(self.plan, states, checkpoint)

        owner = Owner(number, self.merge_logs[number], self.merge_disks[number], opened, self.rng)
        return owner, Recorder(owner.state, self.story.admissions.class_names)

    # -- steps

    def run(self, steps: int, *, faults: float) -> None:
        """So many random steps, then everything comes to its end without faults."""
        calm = (self.send, self.join, self.join, self.land, self.cut, self.emit, self.deliver, self.merge, self.speak)
        wild = (self.kill, self.kill, self.move, self.kill_sender, self.kill_merger, self.snapshot)
        for _ in range(steps):
            self.now_ms += self.rng.randrange(900)
            step = self.rng.choice(wild) if self.rng.random() < faults else self.rng.choice(calm)
            self.faults += step in wild
            step()
        self.finish()

    def finish(self) -> None:
        """All is read, joined, sent, merged and said."""
        for source, sender in self.senders.items():
            while not sender.ended:
                self._send(source)
        for _ in range(8):  # whoever finds himself fenced begins again
            for worker in self.workers:
                for number in list(worker.owned):
                    while self.read[number] < len(self.by_id[number]):
                        self._join(worker, number)
            for worker in self.workers:
                self.now_ms += 100_000
                self._deliver(worker, len(worker.outbox))
                self._emit(worker)
                self._deliver(worker, len(worker.outbox))
            for number in range(len(self.mergers)):
                while self.mergers[number][0].state.applied < len(self.partials[number]) - 1:
                    self._merge(number)
                self._speak(number)

    def send(self) -> None:
        """One source partition's next chunk is re-keyed."""
        source = self.rng.choice(list(self.senders))
        if not self.senders[source].ended:
            self._send(source)

    def _send(self, source: Source) -> None:
        sender = self.senders[source]
        sender.step(self.by_id, len(self.by_id))
        self.sent[source] = sender.reader.position

    def kill_sender(self) -> None:
        """A re-keying worker dies with a chunk on its way; its successor begins where it had committed.

        The dead one's messages may have reached only some by-id partitions.
        """
        source = self.rng.choice(list(self.senders))
        sender, reached = self.senders[source], len(self.by_id)
        for _ in range(self.rng.randrange(3)):
            if not sender.ended:
                reached = self.rng.randrange(1 + reached)  # whom one message has not reached, no later one does
                sender.step(self.by_id, reached)
                sender.chunk_max = self.rng.choice((1, 5, 20))
        self.senders[source] = self._sender(source, self.sent[source] // self.rng.choice((1, 1, 2)))

    def join(self) -> None:
        """One owner reads a few messages of its by-id partition."""
        worker = self.rng.choice(self.workers)
        if worker.owned:
            self._join(worker, self.rng.choice(list(worker.owned)))

    def _join(self, worker: Worker, number: int) -> None:
        owner = worker.owned[number]
        messages = self.by_id[number][self.read[number] : self.read[number] + self.rng.randrange(1, 6)]
        self._apply(owner, messages)
        self.read[number] += len(messages)
        self.promises[number].append((owner.partition.position.seen, self.read[number]))

    def _apply(self, owner: Owner[JoinState], messages: list[bytes]) -> None:
        batches = [unpack(message) for message in messages]
        for kind in KINDS:
            block = owner.state.decide(kind, [b for b in batches if b.kind == kind])
            if block is not None:
                body = encode_block(block)
                owner.state.apply_body(body)
                owner.send(body)

    def land(self) -> None:
        """Blocks reach the broker, of zombies too; then what was read may be committed."""
        for worker in self.workers:
            for number in list(worker.owned):
                self._land(worker, number, self.rng.randrange(4))
        for zombie in list(self.zombies):
            try:
                zombie.land(self.rng.randrange(3))
            except FencedError:
                for _, frame in zombie.on_the_way[: self.rng.randrange(3)]:  # these were sent already
                    zombie.log.append(frame)
                self.zombies.remove(zombie)

    def _land(self, worker: Worker, number: int, blocks: int) -> bool:
        """Whether the owner still stands."""
        owner = worker.owned[number]
        try:
            owner.land(blocks)
        except FencedError:
            self._die(worker)
            return False
        landed = owner.on_the_way[0][0] - 1 if owner.on_the_way else 10**9
        done = [read for at, read in self.promises[number] if at <= landed]
        self.committed[number] = max([self.committed[number], *done])
        return True

    def cut(self) -> None:
        """Checkpoints, of joins and of merges."""
        for worker in self.workers:
            for owner in worker.owned.values():
                if self.rng.random() < 0.5:
                    owner.checkpoint()
        self.rng.choice(self.mergers)[0].checkpoint()

    def snapshot(self) -> None:
        """A snapshot in the middle of a log changes nothing for those who know the log."""
        worker = self.rng.choice(self.workers)
        for owner in worker.owned.values():
            if owner.partition.position.head >= 0:
                owner.send(owner.state.snapshot_body(), snapshot=True)

    # -- faults of workers

    def kill(self) -> None:
        """A worker dies at once and comes back with its disks, or without."""
        self._die(self.rng.choice(self.workers), disks_lost=0.3)

    def _die(self, worker: Worker, *, disks_lost: float = 0.0) -> None:
        """Memory is gone; some of what was on its way still arrives."""
        for owner in worker.owned.values():
            with suppress(FencedError):
                owner.land(self.rng.randrange(3))
            owner.on_the_way.clear()
        self._deliver(worker, self.rng.randrange(1 + len(worker.outbox)), alive=False)
        worker.outbox, worker.emission, worker.known = [], None, {}
        worker.emitter = Emitter(self.plan)
        for number in list(worker.owned):
            if self.rng.random() < disks_lost:
                worker.disks[number].lose()
            self._assign(number, worker)

    def move(self) -> None:
        """A partition goes to another worker; the old one may not have noticed and goes on."""
        worker, other = self.rng.sample(self.workers, 2) if len(self.workers) > 1 else (self.workers[0],) * 2
        if not worker.owned:
            return
        number = self.rng.choice(list(worker.owned))
        owner = worker.owned.pop(number)
        # A zombie writes no checkpoint into a directory that somebody else has opened.
        owner.disk = Disk(owner.disk.checkpoint) if worker is not other else Disk()
        self._assign(number, other)
        if self.rng.random() < 0.6:
            owner.cut = None
            owner.disk = Disk()
            at = self.read[number]
            self._apply(owner, self.by_id[number][at : at + 3])
            self._apply(owner, self.by_id[number][at + 3 : at + 5])
            self.zombies.append(owner)

    # -- emission

    def emit(self) -> None:
        self._emit(self.rng.choice(self.workers))

    def _emit(self, worker: Worker) -> None:
        """As the agent does: collect, wait for the blocks behind it, send, release."""
        if worker.outbox or worker.emission is not None:
            return
        states = {n: o.state for n, o in sorted(worker.owned.items())}
        if worker.owned != worker.known:
            worker.known = dict(worker.owned)
            worker.emitter.forget(states)
        if not states:
            return
        emission = worker.emitter.collect(states, self.now_ms)
        for number in list(worker.owned):
            if not self._land(worker, number, 1_000_000):
                return
        worker.outbox = list(self._messages(emission))
        worker.emission = emission

    def _messages(self, emission: Emission) -> Iterator[tuple[int, bytes]]:
        """Partials one by one, to the owner of their slice; the marks come last."""
        for partial in emission.partials:
            owner = zlib.crc32(f"{partial.model}|{partial.segment}".encode()) % len(self.partials)
            yield owner, encode_partials([], [partial])
        for owner in range(len(self.partials)):
            yield owner, encode_partials(emission.marks, [])

    def deliver(self) -> None:
        worker = self.rng.choice(self.workers)
        self._deliver(worker, self.rng.randrange(1 + len(worker.outbox)))

    def _deliver(self, worker: Worker, messages: int, *, alive: bool = True) -> None:
        """Some of the outbox arrives, some of it twice; after the last of it windows are released."""
        for _ in range(messages):
            owner, message = worker.outbox.pop(0)
            self.partials[owner].append(message)
            if self.rng.random() < 0.1:
                self.partials[owner].append(message)
        if alive and not worker.outbox and worker.emission is not None:
            self._release(worker, worker.emission)
            worker.emission = None

    def _release(self, worker: Worker, emission: Emission) -> None:
        for owner in worker.owned.values():
            if self.rng.random() < 0.1:
                continue  # a rebalance came in between
            released = [(m, end) for m, end in emission.released.items() if owner.state.has_ended(m, end)]
            if released and owner in worker.known.values():
                body = encode_block(JoinBlock(released=released))
                owner.state.apply_body(body)
                owner.send(body)

    # -- merging

    def merge(self) -> None:
        self._merge(self.rng.randrange(len(self.mergers)))

    def _merge(self, number: int) -> None:
        owner, _ = self.mergers[number]
        first = owner.state.applied + 1
        messages = [decode_partials(m) for m in self.partials[number][first : first + self.rng.randrange(1, 30)]]
        if not messages:
            return
        block = MergeBlock(first + len(messages) - 1)
        for message in messages:
            block.marks += message.marks
            block.partials += message.partials
        body = encode_merge_block(block)
        owner.state.apply_body(body)
        owner.send(body)

    def speak(self) -> None:
        self._speak(self.rng.randrange(len(self.mergers)))

    def _speak(self, number: int) -> None:
        """Records are sent once their blocks have landed; then it is noted which were final."""
        owner, recorder = self.mergers[number]
        due = recorder.collect(self.now_ms)
        owner.land()
        self.records += due.records
        if due.announced and self.rng.random() < 0.8:
            body = encode_merge_block(MergeBlock(owner.state.applied, announced=list(due.announced.items())))
            owner.state.apply_body(body)
            owner.send(body)
        elif due.announced:
            self._reopen_merger(number)  # killed between the records and the note of them

    def kill_merger(self) -> None:
        """A merge worker dies; some of what was on its way still arrives."""
        number = self.rng.randrange(len(self.mergers))
        self.mergers[number][0].land(self.rng.randrange(3))
        if self.rng.random() < 0.3:
            self.merge_disks[number].lose()
        self._reopen_merger(number)

    def _reopen_merger(self, number: int) -> None:
        self.mergers[number] = self._merger(number)

    # -- at the end

    def states(self) -> list[JoinState]:
        found = {n: o.state for w in self.workers for n, o in w.owned.items()}
        return [found[n] for n in sorted(found)]
