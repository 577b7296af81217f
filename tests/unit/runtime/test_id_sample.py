from hypothesis import given
from hypothesis import strategies as st

from runtime.id_sample import OVERHEAD_BYTES, IdSample


def ids(count: int) -> list[bytes]:
    return [f"tx-{number:08x}".encode() for number in range(count)]


def fill(order: list[bytes], bytes_max: int) -> IdSample[bytes]:
    sample: IdSample[bytes] = IdSample(bytes_max, len)
    for one in order:
        if sample.wants(one):
            sample.put(one, b"x" * 100)
    return sample


def test_with_memory_for_all_of_them_all_are_kept() -> None:
    sample = fill(ids(100), 1 << 20)
    assert (len(sample.values), sample.share) == (100, 1.0)


def test_with_less_memory_a_uniform_share_of_the_ids_is_kept() -> None:
    sample = fill(ids(20_000), 2_000 * (OVERHEAD_BYTES + 111))
    assert sample.share in {1 / 16, 1 / 32}
    assert abs(len(sample.values) - 20_000 * sample.share) < 5 * (20_000 * sample.share) ** 0.5


@given(st.permutations(ids(60)))
def test_which_ids_are_kept_does_not_depend_on_their_order(order: list[bytes]) -> None:
    sample = fill(order, 20 * (OVERHEAD_BYTES + 111))
    assert set(sample.values) == {one for one in order if sample.wants(one)}
    assert len(sample.values) <= 20


def test_a_value_that_fits_in_no_memory_is_not_kept() -> None:
    sample = fill(ids(1), 10)
    assert sample.values == {}
    assert sample.share < 1


def test_a_value_that_is_put_again_is_counted_once() -> None:
    sample = fill(ids(3) * 50, 4 * (OVERHEAD_BYTES + 111))
    assert (len(sample.values), sample.share) == (3, 1.0)
