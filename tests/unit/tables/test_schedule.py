"""When a window is sent again."""

from tables.schedule import interval_ms, is_due


def test_the_interval_is_a_sixtieth_of_the_age_at_least_and_a_multiple_of_emit_every() -> None:
    for age_ms in (0, 59_000, 601_000, 3_600_000, 21_600_000):
        interval = interval_ms(10_000, age_ms)
        assert interval % 10_000 == 0
        assert interval >= age_ms / 60
        assert interval < age_ms / 60 + 10_000 or interval == 10_000


def test_a_window_younger_than_nothing_is_sent_every_time() -> None:
    assert interval_ms(10_000, -5) == 10_000


def test_all_senders_agree_on_the_tick() -> None:
    assert not is_due(19_999, 11_000, 10_000)
    assert is_due(20_000, 11_000, 10_000)
    assert is_due(20_000, 19_999, 10_000)
    assert not is_due(20_400, 19_999, 10_000, phase_ms=500)
    assert is_due(20_500, 19_999, 10_000, phase_ms=500)


def test_what_was_never_sent_is_due() -> None:
    assert is_due(0, None, 10_000)
