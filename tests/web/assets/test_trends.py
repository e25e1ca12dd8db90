"""Trends of an asset over HTTP: bounded, gapped, and marked with what the viewer may know."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from optria.core.roles import Role
from optria.core.tag import Quality, SampleBatch, to_micros
from optria.kit import clock
from optria.streams import history
from tests import factories
from tests.web.house import House


async def trends(house: House, role: Role = Role.TENANT_ADMIN, **query: str) -> dict[str, Any]:
    async with house.client(role) as browser:
        answer = await browser.get(f"/api/assets/{house.own.asset.id}/trends", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def of(found: dict[str, Any], metric: str) -> dict[str, Any]:
    signals: list[dict[str, Any]] = found["signals"]
    return next(signal for signal in signals if signal["metric"] == metric)


async def store(house: House, times: list[datetime], values: list[float]) -> None:
    batch = SampleBatch(
        np.full(len(times), house.own.vibration.id, np.int32),
        np.array([to_micros(time) for time in times], np.int64),
        np.array(values, np.float64),
        np.full(len(times), Quality.GOOD, np.uint8),
    )
    async with house.database.transaction(house.own.tenant.id) as tx:
        await history.write(tx, batch)


async def test_memory_is_shown_with_band_and_limits(house: House) -> None:
    house.own.stream.put(*(house.sample(2.0 + n / 10, age_s=10.0 - n) for n in range(10)))
    found = await trends(house)
    vibration = of(found, "vibration")
    assert vibration["values"] == pytest.approx([2.0 + n / 10 for n in range(10)])
    assert vibration["expected"] == [1.0, 4.0]
    assert vibration["limits"] == [{"severity": "critical", "direction": "high", "value": 7.1}]
    assert (vibration["thinned"], found["resolution"]) == (False, "samples")


async def test_a_silence_and_a_bad_value_are_gaps(house: House) -> None:
    ages = [60.0, 59.0, 30.0, 29.0]
    samples = [house.sample(2.0, age_s=age) for age in ages]
    bad = [house.sample(9.0, age_s=age, quality=Quality.BAD) for age in (28.0, 20.0)]
    house.own.stream.put(*samples, *bad, house.sample(3.0, age_s=1.0))
    assert of(await trends(house), "vibration")["values"] == [2.0, 2.0, None, 2.0, 2.0, None, 3.0]


async def test_a_long_span_keeps_the_extremes_in_few_points(house: House) -> None:
    end = clock.now()
    times = [end - timedelta(minutes=minute) for minute in range(1_200, 0, -1)]
    values = [2.0] * len(times)
    values[700], values[300] = 9.5, -1.5
    await store(house, times, values)
    found = await trends(
        house, Role.TENANT_ADMIN, **{"from": (end - timedelta(hours=24)).isoformat(), "to": end.isoformat()}
    )
    vibration = of(found, "vibration")
    known = [value for value in vibration["values"] if value is not None]
    assert found["resolution"] == "minutes"
    assert len(known) <= 600
    assert (max(known), min(known)) == (9.5, -1.5)
    assert vibration["samples"] == 1_200
    assert vibration["times_ms"] == sorted(vibration["times_ms"])


async def test_metrics_are_chosen_by_name(house: House) -> None:
    found = await trends(house, metric="pressure")
    assert [signal["metric"] for signal in found["signals"]] == ["pressure"]
    async with house.client(Role.VIEWER) as browser:
        path = f"/api/assets/{house.own.asset.id}/trends"
        assert (await browser.get(path, params={"metric": "colour"})).status_code == 404
        assert (await browser.get(path, params={"from": "2026-01-01", "to": "2026-06-01"})).status_code == 422
        assert (await browser.get(f"/api/assets/{house.other.asset.id}/trends")).status_code == 404


async def test_marks_are_what_the_viewer_may_know(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        incident = await factories.incident(tx, house.own.asset, root_cause_scores={"Bearing Fault": 1.0})
        order = await factories.order(tx, house.own.asset, started_at=clock.now())
        await factories.event(
            tx, house.own.asset, event_category="MAINTENANCE", summary="Oil changed", event_time=clock.now()
        )
    told = {
        role: [mark["kind"] for mark in (await trends(house, role))["marks"]]
        for role in (Role.TENANT_ADMIN, Role.VIEWER)
    }
    assert sorted(told[Role.TENANT_ADMIN]) == ["anchor", "maintenance", "order"]
    assert told[Role.VIEWER] == ["anchor"]
    marks = (await trends(house))["marks"]
    assert {mark["href"] for mark in marks} >= {
        f"/blackbox/incidents/{incident.id}",
        f"/work-orders/{order.id}",
    }
    viewer = (await trends(house, Role.VIEWER))["marks"]
    assert "Bearing" not in str(viewer)
