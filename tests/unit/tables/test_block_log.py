"""Compare-and-append: which records every reader takes, whoever wrote them."""

from tables.block_log import LogPosition, Verdict, decode_frame


class Writer:
    """Frames blocks as an owner does that has replayed a log so far."""

    def __init__(self, log: list[bytes], name: int) -> None:
        self.log, self.name, self.position, self.blocks = log, name, LogPosition(), 0
        read(log, self.position)

    def frame(self, *, snapshot: bool = False) -> bytes:
        self.blocks += 1
        value = self.position.frame(b"", snapshot=snapshot, log_id=self.name << 32 | self.name * 100 + self.blocks)
        self.position.appended()
        return value


def read(log: list[bytes], position: LogPosition | None = None) -> list[Verdict]:
    position = position or LogPosition()
    return [position.judge(offset, decode_frame(value)) for offset, value in enumerate(log)]


APPLY, SKIP, RESTORE, RECREATED = Verdict.APPLY, Verdict.SKIP, Verdict.RESTORE, Verdict.RECREATED


def test_blocks_of_one_writer_are_all_taken() -> None:
    writer = Writer([], 1)
    assert read([writer.frame() for _ in range(4)]) == [APPLY] * 4


def test_f15_a_zombies_block_is_passed_over() -> None:
    log: list[bytes] = []
    old = Writer(log, 1)
    log.append(old.frame())
    new = Writer(log, 2)
    log += [new.frame(), old.frame(), new.frame()]
    # The owner's second block landed elsewhere than expected, so its writer stops; but it does continue the first.
    assert read(log) == [APPLY, APPLY, SKIP, APPLY]


def test_f15_a_zombies_pipelined_block_that_names_anothers_offset_is_passed_over() -> None:
    log: list[bytes] = []
    old = Writer(log, 1)
    log.append(old.frame())
    new = Writer(log, 2)
    first, second = old.frame(), old.frame()
    log.append(new.frame())  # takes the offset that `second` thinks is `first`'s
    log += [first, second]
    assert read(log) == [APPLY, APPLY, SKIP, SKIP]


def test_a_fenced_writers_own_later_blocks_do_not_leave_a_gap_behind_them() -> None:
    log: list[bytes] = []
    old, new = Writer(log, 1), Writer(log, 2)
    one, two, three, four = (new.frame() for _ in range(4))
    log += [one, old.frame(), two, three, four]  # `two` has the offset that `four` takes for `three`'s
    assert read(log) == [APPLY, SKIP, APPLY, SKIP, SKIP]


def test_a_retried_copy_is_passed_over() -> None:
    writer = Writer([], 1)
    one, two = writer.frame(), writer.frame()
    assert read([one, one, two]) == [APPLY, SKIP, APPLY]
    assert read([one, two, two]) == [APPLY, APPLY, SKIP]


def test_two_writers_that_find_the_log_empty_do_not_make_it_another_log() -> None:
    log: list[bytes] = []
    one, other = Writer(log, 1), Writer(log, 2)
    log += [one.frame(), other.frame(), other.frame()]
    assert read(log) == [APPLY, SKIP, SKIP]


def test_f26_a_log_made_anew_is_recognised() -> None:
    old, new = Writer([], 1), Writer([], 2)
    position = LogPosition()
    read([old.frame(), old.frame()], position)
    frames = [new.frame() for _ in range(4)]
    assert position.judge(2, decode_frame(frames[2])) is RECREATED


def test_f25_a_truncated_log_begins_with_its_first_snapshot() -> None:
    writer = Writer([], 1)
    frames = [writer.frame(), writer.frame(), writer.frame(snapshot=True), writer.frame()]
    position = LogPosition()
    assert [position.judge(o, decode_frame(frames[o])) for o in (1, 2, 3)] == [SKIP, RESTORE, APPLY]


def test_a_snapshot_changes_nothing_for_who_knows_the_log() -> None:
    writer = Writer([], 1)
    assert read([writer.frame(), writer.frame(snapshot=True), writer.frame()]) == [APPLY, SKIP, APPLY]


def test_the_position_goes_on_from_a_checkpoint() -> None:
    log: list[bytes] = []
    writer = Writer(log, 1)
    log += [writer.frame(), writer.frame()]
    stored = LogPosition(writer.position.log_id, 1, 1)
    assert stored.judge(2, decode_frame(writer.frame())) is APPLY


def test_f25_local_state_from_before_a_truncated_logs_beginning_is_told() -> None:
    writer = Writer([], 1)
    log = [writer.frame() for _ in range(4)]
    position = LogPosition()
    assert position.judge(0, decode_frame(log[0])) is APPLY
    assert position.judge(3, decode_frame(log[3])) is Verdict.TRUNCATED
