import base64
import csv
import io
from typing import Any

import pytest
from yarl import URL

from dashboard.guard import Credentials
from models.metric_record import iso_ms
from tests.unit.dashboard.samples import MINUTE_MS, NOON_MS, alert, decision, letter, metric
from tests.unit.dashboard.scene import Scene, scene


async def starts(it: Scene, parameters: str) -> list[str]:
    return [item["window_start"][11:16] for item in await it.items(f"/metrics?{parameters}")]


async def test_records_leave_as_they_stand_on_the_topic() -> None:
    async with scene() as it:
        it.tell(metric(drift={"score": {"psi": 0.1}}))
        [item] = await it.items("/metrics")
        assert item["drift"] == {"score": {"psi": 0.1}}
        assert (item["schema"], item["metrics"]) == ("hindcast.metric/1", {"accuracy": 0.9})


async def test_metrics_are_chosen_by_model_version_segment_span_and_time() -> None:
    async with scene(now_ms=NOON_MS + 3 * MINUTE_MS) as it:
        it.tell(*(metric(i) for i in range(3)), metric(0, version="v2"), metric(0, model="churn"))
        it.tell(metric(0, segment="country=DE"), metric(0, segment="plan=free"))
        it.tell(metric(-57, minutes=60, span="1h", rolling=True))
        assert await starts(it, "model=fraud&version=v1&span=60s") == ["12:00", "12:01", "12:02"]
        assert await starts(it, "model=fraud&version=v1&span=60s&since=90s") == ["12:01", "12:02"]
        assert await starts(it, "model=fraud&version=v1&span=60s&since=2026-11-21T12:02:00Z") == ["12:02"]
        assert len(await it.items("/metrics?span=60s")) == 5
        assert await starts(it, "span=1h") == ["11:03"]
        assert [i["segment"] for i in await it.items("/metrics?segment=country%3DDE")] == ["country=DE"]
        assert [i["segment"] for i in await it.items("/metrics?segment=country%3D*")] == ["country=DE"]
        assert len(await it.items("/metrics?segment=*")) == 2
        assert await it.items("/metrics?version=v9") == []


async def test_some_fields_may_be_asked_for() -> None:
    async with scene() as it:
        it.tell(metric())
        [item] = await it.items("/metrics?fields=metrics,%20total")
        assert item["metrics"] == {"accuracy": 0.9}
        assert item["total"] == 100
        assert "labelled" not in item
        assert item["window_start"] == "2026-11-21T12:00:00Z"


@pytest.mark.parametrize("path", ["/metrics?segment=&", "/alerts?", "/decisions?", "/dead-letters?"])
async def test_pages_follow_one_another_without_gap_or_copy(path: str) -> None:
    async with scene() as it:
        it.tell(*(metric(i, model=f"m{i % 3}", rolling=i > 5, span="1h" if i > 5 else "60s") for i in range(7)))
        it.tell(*(alert(fingerprint=f"f{i}", minute=i // 2) for i in range(7)))
        it.tell(*(decision(decision_id=f"d{i}") for i in range(7)), *(letter(i) for i in range(7)))
        whole = await it.items(path)
        assert len(whole) == 7
        paged: list[dict[str, Any]] = []
        sizes: list[int] = []
        cursor = ""
        while not sizes or cursor:
            status, answer = await it.get(f"{path}limit=2{cursor}")
            assert status == 200
            paged += answer["items"]
            sizes.append(len(answer["items"]))
            cursor = f"&cursor={answer['next']}" if answer["next"] else ""
        assert (paged, sizes) == (whole, [2, 2, 2, 1])


async def test_alerts_are_listed_newest_first_and_chosen() -> None:
    async with scene(now_ms=NOON_MS + 60 * MINUTE_MS) as it:
        it.tell(alert("resolved"), alert("firing", fingerprint="f2", minute=40, priority="P2", model="churn"))
        assert [a["status"] for a in await it.items("/alerts")] == ["firing", "resolved"]
        for parameters in ("status=firing", "model=churn", "priority=P2", "since=30m"):
            assert [a["fingerprint"] for a in await it.items(f"/alerts?{parameters}")] == ["f2"]


async def test_decisions_are_chosen_by_state() -> None:
    async with scene() as it:
        it.tell(decision(), decision("done", decision_id="d2"))
        assert [d["decision_id"] for d in await it.items("/decisions?state=done")] == ["d2"]


async def test_dead_letters_are_told_with_their_source_and_never_their_content() -> None:
    async with scene() as it:
        it.tell(letter(7), letter(8, code="depth"))
        [item] = await it.items("/dead-letters?code=json")
        assert item["source"] == {"topic": "in", "partition": 1, "offset": 7, "time": iso_ms(NOON_MS)}
        assert item["meaning"] == "malformed JSON"
        assert "SECRET" not in str(item)
        counts = await it.items("/dead-letters/counts")
        assert counts == [{"code": c, "topic": "in", "count": 1} for c in ("depth", "json")]


@pytest.mark.parametrize(
    ("path", "parameter", "message"),
    [
        ("/metrics?limit=0", "limit", "Input should be greater than or equal to 1"),
        ("/metrics?limit=many", "limit", "Input should be a valid integer"),
        ("/metrics?since=yesterday", "since", "neither a duration (1h) nor a time (2026-11-21T10:00:00Z)"),
        ("/metrics?modle=fraud", "modle", "unknown parameter, known are: format, limit, model,"),
        ("/metrics?cursor=x", "cursor", "not a cursor of this list"),
        ("/metrics?cursor=WzEsMl0", "cursor", "not a cursor of this list"),
        ("/metrics?limit=1&limit=2", "limit", "stands twice"),
        ("/alerts?status=burning", "status", "Input should be 'firing' or 'resolved'"),
        ("/summary?minutes=1441", "minutes", "Input should be less than or equal to 1440"),
        ("/status?x=1", "x", "unknown parameter"),
        ("/stream?x=1", "x", "unknown parameter"),
    ],
)
async def test_a_wrong_parameter_is_400_with_its_name(path: str, parameter: str, message: str) -> None:
    async with scene() as it:
        status, answer = await it.get(path)
        assert status == 400
        [error] = answer["errors"]
        assert error["parameter"] == parameter
        assert error["message"].startswith(message)


@pytest.mark.parametrize("path", ["/metrics", "/alerts", "/decisions", "/summary"])
async def test_an_unknown_model_is_404(path: str) -> None:
    async with scene() as it:
        status, answer = await it.get(f"{path}?model=nobody")
        assert (status, answer["errors"][0]["parameter"]) == (404, "model")


async def test_an_unknown_path_and_a_wrong_method_are_json_too() -> None:
    async with scene() as it:
        assert await it.get("/nowhere") == (404, {"errors": [{"parameter": None, "message": "Not Found"}]})
        async with it.client.post("/api/v1/metrics") as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")
        async with it.client.head("/api/v1/stream") as answer:  # it would never end
            assert (answer.status, answer.headers["Allow"]) == (405, "GET")


async def test_a_long_answer_is_compressed() -> None:
    async with scene() as it:
        it.tell(*(metric(i, calibration=[{"count": i}] * 100) for i in range(100)))
        async with it.client.get("/api/v1/metrics") as answer:
            assert answer.headers["Content-Encoding"] in {"deflate", "gzip"}
            assert len((await answer.json())["items"]) == 100


async def test_a_bug_says_nothing_of_its_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene() as it:

        def fail() -> None:
            raise RuntimeError("SECRET")

        monkeypatch.setattr(it.site.store.alerts, "firing", fail)
        status, answer = await it.get("/models")
        assert status == 500
        assert "SECRET" not in str(answer)


async def test_an_answer_is_asked_for_anew_and_not_sent_twice() -> None:
    async with scene() as it:
        it.tell(metric())
        async with it.client.get("/api/v1/metrics") as answer:
            tag = answer.headers["ETag"]
            assert answer.headers["Cache-Control"] == "private, no-cache"
        async with it.client.get("/api/v1/metrics", headers={"If-None-Match": tag}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
        it.tell(metric(revision=2))
        async with it.client.get("/api/v1/metrics", headers={"If-None-Match": tag}) as answer:
            assert answer.status == 200


async def test_every_answer_has_safe_headers() -> None:
    async with scene() as it:
        for path in ("/api/v1/models", "/api/v1/nowhere", "/api/v1/stream", "/metrics", "/readyz"):
            answer = await it.client.get(path)
            assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["Server"] == "hindcast"
            answer.close()


async def test_csv_has_a_column_a_number_and_no_formula() -> None:
    async with scene() as it:
        evil = {"=HYPERLINK(1)": -0.5}
        it.tell(metric(model="=1+1", segment="+a=b", metrics=evil), metric(1, model="=1+1", segment="+a=b"))
        async with it.client.get("/api/v1/metrics?segment=*&format=csv&limit=1") as answer:
            assert answer.content_type == "text/csv"
            assert answer.headers["Content-Disposition"] == 'attachment; filename="hindcast-metrics.csv"'
            next_path = URL(str(answer.links["next"]["url"])).relative()
            [row] = csv.DictReader(io.StringIO(await answer.text()))
        assert (row["model"], row["segment"]) == ("'=1+1", "'+a=b")
        assert row["metrics.=HYPERLINK(1)"] == "-0.5"
        assert (row["intervals.accuracy.low"], row["intervals.accuracy.high"]) == ("0.8", "0.95")
        async with it.client.get(next_path) as answer:
            assert "12:01:00Z" in await answer.text()


async def test_the_document_names_every_route_and_its_parameters() -> None:
    async with scene(base_path="/ml") as it:
        status, document = await it.get("/openapi.json")
        assert (status, document["openapi"], document["servers"]) == (200, "3.1.0", [{"url": "/ml"}])
        served = {r.resource.canonical for r in it.client.app.router.routes() if r.resource} if it.client.app else set()
        api = {path.removeprefix("/ml") for path in served if "/api/" in path}
        assert set(document["paths"]) == api - {"/api/v1/openapi.json"}
        parameters = document["paths"]["/api/v1/metrics"]["get"]["parameters"]
        assert [p["name"] for p in parameters][:4] == ["format", "limit", "model", "version"]
        for reference in references(document):
            assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]


def references(tree: Any) -> list[str]:  # noqa: ANN401  # JSON
    if isinstance(tree, dict):
        own = [tree["$ref"]] if "$ref" in tree else []
        return own + [found for value in tree.values() for found in references(value)]
    return [found for value in tree for found in references(value)] if isinstance(tree, list) else []


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("credentials", "right", "challenge"),
    [
        (Credentials("pä:ss", "ann"), basic("ann", "pä:ss"), 'Basic realm="hindcast", charset="UTF-8"'),
        (Credentials("token"), "Bearer token", 'Bearer realm="hindcast"'),
    ],
)
async def test_nobody_reads_without_the_credentials(credentials: Credentials, right: str, challenge: str) -> None:
    wrong = [
        "",
        "Bearer",
        "Bearer tokem",
        basic("ann", "pass"),
        basic("", "pä:ss"),
        "Basic ä",
        right[:-2],
        "x " + right,
    ]
    async with scene(credentials=credentials) as it:
        for header in wrong:
            for path in ("/api/v1/models", "/api/v1/stream", "/api/v1/openapi.json", "/nowhere"):
                async with it.client.get(path, headers={"Authorization": header}) as answer:
                    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, challenge)
        assert (await it.get("/models", Authorization=right))[0] == 200
        for path in ("/metrics", "/livez", "/readyz"):
            async with it.client.get(path) as answer:
                assert answer.status == 200
    assert credentials.secret not in repr(credentials)


async def test_behind_a_proxy_the_api_stands_below_the_base_path_and_the_probes_do_not() -> None:
    async with scene(base_path="/a/b") as it:
        assert await it.items("/models") == []
        assert (await it.client.get("/api/v1/models")).status == 404
        assert (await it.client.get("/readyz")).status == 200


async def test_the_status_says_how_far_the_reading_is() -> None:
    async with scene() as it:
        it.tell(metric())
        reading = it.site.reading
        reading.connected, reading.caught_up, reading.read, reading.behind = False, False, 1, 3
        reading.problem = "the broker does not answer"
        status, answer = await it.get("/status")
        assert status == 200
        assert (answer["reading"], answer["share_read"], answer["records"]) == (False, 0.25, 1)
        assert (await it.client.get("/readyz")).status == 503


@pytest.mark.parametrize("path", ["/models", "/metrics", "/alerts", "/decisions", "/summary", "/dead-letters"])
async def test_an_empty_store_is_an_empty_list(path: str) -> None:
    async with scene() as it:
        assert await it.get(path) == (200, {"items": [], "next": None})
        async with it.client.get(f"/api/v1{path}?format=csv") as answer:
            assert (answer.status, (await answer.text()).strip()) == (200, "")


HOSTILE = "</script><img src=x onerror=alert(1)>|%7C\u2028"


async def test_a_hostile_name_stays_a_name() -> None:
    async with scene() as it:
        it.tell(metric(model=HOSTILE, version=HOSTILE, segment=HOSTILE), metric(model=HOSTILE))
        [item] = [one for one in await it.items("/models") if one["model_version"] == HOSTILE]
        assert (item["model"], item["segments"]) == (HOSTILE, 1)
