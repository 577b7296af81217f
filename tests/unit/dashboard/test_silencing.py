"""Silences over HTTP: who may, what is written, what is refused."""

import base64
from typing import Any

import pytest

from dashboard.guard import Credentials
from dashboard.silence_store import SilenceStore
from dashboard.silencing import Silencing
from models.errors import WorldError
from models.silence import Silence
from tests.unit.dashboard.samples import MINUTE_MS, NOON_MS, silence, tombstone
from tests.unit.dashboard.scene import Scene, scene

CREDENTIALS = Credentials("pass", "ann")
LOGIN = {"Authorization": "Basic " + base64.b64encode(b"ann:pass").decode()}
WANTED = {"match": {"model": ["fraud"], "rule": ["drift-*"]}, "lasts_seconds": 7200, "reason": "deploying"}


class Topic:
    """What would be written."""

    def __init__(self) -> None:
        self.begun: list[Silence] = []
        self.ended: list[str] = []
        self.broken = False

    def begin(self, silence: Silence) -> None:
        if self.broken:
            raise WorldError("topic hindcast-silences: the broker did not answer")
        self.begun.append(silence)

    @property
    def silencing(self) -> Silencing:
        return Silencing(self.begin, self.ended.append, "ann")


async def post(it: Scene, body: object = WANTED, **headers: str) -> tuple[int, Any]:
    async with it.client.post("/api/v1/silences", json=body, headers=LOGIN | headers) as answer:
        return answer.status, await answer.json()


async def test_a_silence_is_begun_by_who_is_logged_in() -> None:
    topic = Topic()
    async with scene(credentials=CREDENTIALS, silencing=topic.silencing) as it:
        status, told = await post(it)
        [begun] = topic.begun
        assert (status, told["silence_id"]) == (201, begun.silence_id)
        assert begun.match == WANTED["match"]
        assert (begun.starts_at_ms, begun.ends_at_ms) == (NOON_MS, NOON_MS + 120 * MINUTE_MS)
        assert (begun.reason, begun.created_by) == ("deploying", "ann")
        async with it.client.delete(f"/api/v1/silences/{begun.silence_id}", headers=LOGIN) as answer:
            assert answer.status == 200
        assert topic.ended == [begun.silence_id]


async def test_nobody_silences_without_credentials() -> None:
    topic = Topic()
    async with scene(credentials=CREDENTIALS, silencing=topic.silencing) as it:
        assert (await post(it, Authorization="Basic bm9ib2R5"))[0] == 401
    async with scene() as it:
        status, told = await post(it)
        assert status == 403
        assert "web.auth" in told["errors"][0]["message"]
        assert (await it.get("/status"))[1]["may_silence"] is False
    assert topic.begun == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_page_of_another_origin_may_neither_begin_nor_end_one(headers: dict[str, str]) -> None:
    topic = Topic()
    async with scene(credentials=CREDENTIALS, silencing=topic.silencing) as it:
        assert (await post(it, **headers))[0] == 403
        async with it.client.delete("/api/v1/silences/s1", headers=LOGIN | headers) as answer:
            assert answer.status == 403
    assert (topic.begun, topic.ended) == ([], [])


async def test_our_own_page_may() -> None:
    topic = Topic()
    async with scene(credentials=CREDENTIALS, silencing=topic.silencing) as it:
        host = it.client.make_url("/").authority
        assert (await post(it, Origin=f"http://{host}"))[0] == 201
        assert (await post(it, Origin="https://behind.a.proxy", **{"Sec-Fetch-Site": "same-origin"}))[0] == 201


async def test_a_form_cannot_send_one() -> None:
    topic = Topic()
    async with scene(credentials=CREDENTIALS, silencing=topic.silencing) as it:
        headers = LOGIN | {"Content-Type": "text/plain"}
        async with it.client.post("/api/v1/silences", data=b"{}", headers=headers) as answer:
            assert answer.status == 415


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ({"match": {}}, "match"),
        ({"match": {"modle": ["fraud"]}}, "match.modle.[key]"),
        ({"match": {"model": []}}, "match.model"),
        ({"lasts_seconds": 0}, "lasts_seconds"),
        ({"lasts_seconds": 1e9}, "lasts_seconds"),
        ({"more": 1}, "more"),
    ],
)
async def test_what_is_wrong_with_a_request_is_named(change: dict[str, object], parameter: str) -> None:
    async with scene(credentials=CREDENTIALS, silencing=Topic().silencing) as it:
        status, told = await post(it, WANTED | change)
        assert (status, [one["parameter"] for one in told["errors"]]) == (400, [parameter])


async def test_a_broker_that_does_not_answer_is_told() -> None:
    topic = Topic()
    topic.broken = True
    async with scene(credentials=CREDENTIALS, silencing=topic.silencing) as it:
        status, told = await post(it)
        assert (status, told["errors"][0]["message"]) == (503, "topic hindcast-silences: the broker did not answer")


async def test_silences_that_are_not_over_are_listed_until_they_are_ended() -> None:
    async with scene(now_ms=NOON_MS + 5 * MINUTE_MS) as it:
        configured = Silence(
            silence_id="c", match={"model": ["x"]}, starts_at_ms=0, ends_at_ms=NOON_MS + 600 * MINUTE_MS
        )
        it.site.store.silences = SilenceStore([configured])
        it.tell(silence("a", model="fraud"), silence("b", model="fraud"), silence("over", minutes=4, model="fraud"))
        it.tell(tombstone(silence("b")))
        found = await it.items("/silences")
        assert [(one["silence_id"], one["configured"]) for one in found] == [("a", False), ("c", True)]
        assert found[0]["match"] == {"model": ["fraud"]}
        it.site.store.expire(NOON_MS + 61 * MINUTE_MS)
        it.site.store.clear()
        assert [one["silence_id"] for one in await it.items("/silences")] == ["c"]
