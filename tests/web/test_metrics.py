"""``/metrics``: every figure, as Prometheus reads them, for those who may."""

import json
import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from optria.core.messages import Message
from optria.core.roles import Role
from optria.db.retention import Upkeep
from optria.db.session import Database
from optria.kit import clock
from optria.kit.supervise import TaskState
from optria.streams.vitals import StreamVitals
from optria.web.server import create_app
from optria.web.services import Vitals
from tests.web.house import House, Source

TOKEN = "a-token-of-the-scraper"
GONE = "postgresql://nobody:nothing@127.0.0.1:1/nowhere"
LABELS = {
    "tenant",
    "connection",
    "state",
    "status",
    "reason",
    "kind",
    "topic",
    "task",
    "what",
    "channel",
    "method",
    "route",
    "version",
    "le",
}
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "monitoring"


def vitals(tenant_id: int) -> Vitals:
    stream = StreamVitals(
        tags=7,
        samples=1_234,
        busy_s=0.5,
        learning=2,
        watching=5,
        failing=1,
        anchored=3,
        dropped={"stuck": 4, "in_future": 5},
        history_waiting=11,
        history_bound=2_000_000,
        history_written=999,
        history_error=None,
        shed={"spool_full": 6},
    )
    return Vitals({tenant_id: stream}, {"anchors": 1, "events": 2}, 100, {"events_shed": 8})


@pytest.fixture
async def scraped(house: House) -> House:
    tenant_id = house.own.tenant.id
    house.services = replace(
        house.services,
        settings=house.services.settings.model_copy(update={"metrics_token": SecretStr(TOKEN)}),
        vitals=lambda: vitals(tenant_id),
        links=lambda _tenant: [Source(3, 'A "quoted"\nname', rejected={"not_finite": 9}, received=70)],
        health=lambda: {"recorder": TaskState("recorder", running=True, restarts=2)},
    )
    house.app = create_app(house.services)
    return house


async def scrape(house: House, token: str | None = TOKEN) -> httpx.Response:
    async with house.client() as browser:
        return await browser.get("/metrics", headers={"Authorization": f"Bearer {token}"} if token else {})


async def read(house: House) -> dict[str, Metric]:
    answer = await scrape(house)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = list(text_string_to_metric_families(answer.text))
    assert len({metric.name for metric in found}) == len(found)
    return {metric.name: metric for metric in found}


def value(found: dict[str, Metric], name: str, **labels: str) -> float:
    samples = [each for metric in found.values() for each in metric.samples if each.name == name]
    return next(each.value for each in samples if labels.items() <= each.labels.items())


async def test_every_stage_is_there(scraped: House) -> None:
    found = await read(scraped)
    tenant = str(scraped.own.tenant.id)
    assert value(found, "optria_stream_samples_total", tenant=tenant) == 1_234
    assert value(found, "optria_stream_dropped_samples_total", tenant=tenant, reason="stuck") == 4
    assert value(found, "optria_history_shed_samples_total", reason="spool_full") == 6
    assert value(found, "optria_inbox_entries_total", what="events_shed") == 8
    assert value(found, "optria_task_restarts_total", task="recorder") == 2
    assert value(found, "optria_source_rejected_rows_total", connection="3", reason="not_finite") == 9
    assert value(found, "optria_database_up") == 1
    assert value(found, "optria_history_days") > 0
    assert value(found, "optria_analyses_due") == 0
    assert value(found, "process_resident_memory_bytes") > 1e6


async def test_names_and_labels_are_as_prometheus_has_them(scraped: House) -> None:
    found = await read(scraped)
    for metric in found.values():
        assert metric.documentation
        assert metric.name.startswith(("optria_", "process_")), metric.name
        for sample in metric.samples:
            assert re.fullmatch(r"[a-z][a-z0-9_]*", sample.name)
            assert sample.labels.keys() <= LABELS, sample
            if metric.type == "counter":
                assert sample.name.endswith("_total")
            elif metric.type == "gauge":
                assert not sample.name.endswith("_total")


async def test_requests_are_counted_by_route_never_by_address(scraped: House) -> None:
    async with scraped.client(Role.ENGINEER) as browser:
        for asset in (1, 2, 3):
            await browser.get(f"/api/assets/{asset}?secret=x")
        await browser.get("/no/such/page")
        await browser.request("BREW", "/api/assets/1")
    found = await read(scraped)
    answered = [each for each in found["optria_http_requests"].samples if each.name.endswith("_total")]
    by_route = {(each.labels["method"], each.labels["route"]): each.value for each in answered}
    assert ("GET", "/api/assets/{asset_id}") in by_route
    assert by_route["GET", "unmatched"] == 1
    assert not any("secret" in route or route.endswith("/1") for _, route in by_route)
    assert {method for method, _ in by_route} <= {"GET", "other"}
    seconds = found["optria_http_request_duration_seconds"].samples
    buckets = [each for each in seconds if each.labels.get("route") == "/api/assets/{asset_id}"]
    assert max(each.value for each in buckets if each.name.endswith("_bucket")) == 3
    assert value(found, "optria_http_requests_in_progress") == 1


async def test_what_is_committed_is_counted_once_per_kind(scraped: House) -> None:
    for _ in range(3):
        scraped.services.bus.publish(Message(1, "incidents", "incident_opened", "x"))
    found = await read(scraped)
    assert value(found, "optria_committed_total", topic="incidents", kind="incident_opened") == 3


async def test_without_the_database_the_rest_is_told_by_the_token(scraped: House) -> None:
    gone = Database(GONE)
    scraped.services = replace(scraped.services, database=gone)
    scraped.app = create_app(scraped.services)
    found = await read(scraped)
    await gone.dispose()
    assert value(found, "optria_database_up") == 0
    assert value(found, "optria_stream_samples_total") == 1_234
    assert "optria_database_ping_seconds" not in found


@pytest.mark.parametrize("token", [None, "", "another", TOKEN[:-1], TOKEN + "x", "tökén"])
async def test_no_other_token_opens_it(scraped: House, token: str | None) -> None:
    async with scraped.client() as browser:
        headers = {b"authorization": f"Bearer {token}".encode()} if token is not None else {}
        assert (await browser.get("/metrics", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("role", "status"), [(Role.PLATFORM_OWNER, 200), (Role.TENANT_ADMIN, 403), (Role.ENGINEER, 403)]
)
async def test_of_people_only_platform_owners_read_it(house: House, role: Role, status: int) -> None:
    """And with no token set, nobody comes in with an empty one."""
    async with house.client(role) as browser:
        assert (await browser.get("/metrics")).status_code == status
    async with house.client() as browser:
        assert (await browser.get("/metrics", headers={"Authorization": "Bearer "})).status_code == 401


async def _lived(house: House) -> None:
    """So that metrics with labels have a first line: a request, something committed, an upkeep."""
    done = Upkeep(clock.now(), is_trial=False, ended=clock.now())
    house.services = replace(house.services, upkeep=lambda: done)
    house.app = create_app(house.services)
    house.services.bus.publish(Message(1, "incidents", "incident_opened", "x"))
    async with house.client(Role.ENGINEER) as browser:
        await browser.get("/api/assets/")


@pytest.mark.parametrize("example", ["alerts.yml", "dashboard.json"])
async def test_examples_name_only_metrics_that_exist(scraped: House, example: str) -> None:
    text = (EXAMPLES / example).read_text("utf-8")
    named = set(re.findall(r"\b(?:optria|process)_[a-z0-9_]+", text))
    assert len(named) > 10
    await _lived(scraped)
    found = await read(scraped)
    known = set(found) | {sample.name for metric in found.values() for sample in metric.samples}
    assert named - known == set()
    if example.endswith(".json"):
        assert json.loads(text)["panels"]


async def test_every_metric_is_documented(scraped: House) -> None:
    await _lived(scraped)
    told = (EXAMPLES.parents[1] / "docs" / "operations.md").read_text("utf-8")
    found = await read(scraped)
    names = {name for name in found if name.startswith("optria_")}
    assert {name for name in names if f"`{name}" not in told} == set()
