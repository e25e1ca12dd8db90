from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from optria.blackbox.events import store_event
from optria.core.asset import Threshold
from optria.core.event import Event, Severity
from optria.db.session import Database
from optria.streams.limits import CALM, PERSISTENCE, Limits
from optria.streams.roster import Roster
from tests import factories
from tests.streams.plants import BEGIN, batch, plant

HIGH = Threshold("vibration", "high", 7.1, Severity.CRITICAL, asset_type="Pump", unit="mm/s")
LOW = Threshold("flow", "low", 10.0, Severity.MINOR, asset_id=1)


class Watch:
    def __init__(self, *thresholds: Threshold) -> None:
        model = plant(1, thresholds=thresholds or (HIGH, LOW))
        self.events: list[Event] = []
        self.roster = Roster.of(model)
        self.limits = Limits(model, self.roster, self.events.append)
        self.second = 0

    def see(self, tag: int, *values: float, good: bool = True) -> "Watch":
        times = [BEGIN + timedelta(seconds=self.second + i) for i in range(len(values))]
        self.second += len(values)
        samples = batch([tag] * len(values), times, values)
        self.limits.check(samples, self.roster.find(samples.tag), np.full(len(values), good))
        return self


@pytest.mark.clause("I8")
def test_a_crossed_threshold_is_one_event_with_its_severity() -> None:
    watch = Watch().see(104, 5.0, *[8.0] * 20)
    (event,) = watch.events
    assert event.severity is Severity.CRITICAL
    assert event.asset_id == 1
    assert event.time == BEGIN + timedelta(seconds=PERSISTENCE)
    assert event.payload == {
        "tag_id": 104,
        "external_tag": "P-1.T-104",
        "metric": "vibration",
        "value": 8.0,
        "limit": 7.1,
        "direction": "high",
        "unit": "mm/s",
        "state": "crossed",
    }


def test_the_return_is_an_event_too_but_only_past_the_dead_band() -> None:
    watch = Watch().see(104, *[8.0] * 5, *[7.0] * 50)
    assert len(watch.events) == 1
    watch.see(104, *[6.0] * CALM)
    assert [e.severity for e in watch.events] == [Severity.CRITICAL, Severity.INFO]
    watch.see(104, *[8.0] * 5)
    assert len(watch.events) == 3


def test_a_low_limit_looks_the_other_way() -> None:
    watch = Watch().see(100, 50.0, *[9.0] * 5)
    assert watch.events[0].payload["direction"] == "low"
    assert "below" in watch.events[0].summary


def test_chatter_says_nothing_and_is_counted() -> None:
    watch = Watch().see(104, *[8.0, 6.0] * 10)
    assert watch.events == []
    assert watch.limits.chatter == {104: 10}


def test_flawed_samples_cross_nothing() -> None:
    assert Watch().see(104, *[8.0] * 10, good=False).events == []


@pytest.mark.clause("I8")
async def test_two_limits_crossed_by_one_sample_are_two_events_that_are_both_stored(
    database: Database,
) -> None:
    major = replace(HIGH, limit=7.0, severity=Severity.MAJOR)
    watch = Watch(major, replace(HIGH, limit=11.0)).see(104, 5.0, *[12.0] * 5)
    assert [event.time for event in watch.events] == [BEGIN + timedelta(seconds=PERSISTENCE)] * 2
    async with database.platform("test") as tx:
        tenant_id = (await factories.tenant(tx)).id
    async with database.transaction(tenant_id) as tx:
        stored = [await store_event(tx, tenant_id, replace(event, asset_id=None)) for event in watch.events]
        again = await store_event(tx, tenant_id, replace(watch.events[0], asset_id=None))
    assert [row.severity for row in stored if row] == ["MAJOR", "CRITICAL"]
    assert again is None


def test_each_limit_and_state_has_a_source_id_of_its_own() -> None:
    watch = Watch(HIGH, replace(HIGH, direction="low"), replace(HIGH, severity=Severity.MINOR))
    watch.see(104, *[8.0] * 5, *[6.0] * 10)
    assert {e.payload["state"] for e in watch.events} == {"crossed", "returned"}
    assert len({event.source_id for event in watch.events}) == len(watch.events) == 5
