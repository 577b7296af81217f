from dashboard.reading import Reading


def test_it_is_ready_once_it_has_read_what_there_was_at_the_start() -> None:
    reading = Reading()
    assert reading.why_not_ready() == "not connected to the broker yet"
    reading.look({"a": 10, "b": 5}, {"a": 0, "b": 5})
    assert reading.why_not_ready() == "reading the last day: 0%"
    reading.read = 9
    reading.look({"a": 12, "b": 6}, {"a": 9, "b": 5})
    assert (reading.behind, reading.share) == (4, 9 / 13)
    reading.look({"a": 30, "b": 6}, {"a": 10, "b": 5})
    assert (reading.why_not_ready(), reading.behind) == (None, 21)


def test_it_stays_ready_when_the_broker_goes_away() -> None:
    reading = Reading()
    reading.look({"a": 0}, {"a": 0})
    reading.connected, reading.problem = False, "the broker does not answer"
    assert reading.why_not_ready() is None


def test_without_a_broker_the_reason_is_told() -> None:
    assert Reading(problem="the broker does not answer").why_not_ready() == "the broker does not answer"


def test_topics_made_anew_are_read_anew() -> None:
    reading = Reading()
    reading.look({"a": 7}, {"a": 7})
    reading.begin_anew()
    reading.look({"a": 2}, {"a": 0})
    assert reading.why_not_ready() is not None
