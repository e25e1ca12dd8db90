"""The figures of the alarms, counted by the database, beside a slow count of the same events in Python."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from sqlalchemy import insert

from optria.db.blackbox import EventRow
from optria.web.admin.alarm_figures import AlarmFigures, Period, Verdict, read_figures, verdict_of
from optria.web.admin.alarms_page import BARS, chart_of
from tests import factories
from tests.web.house import House, Household

END = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAYS = 3
SLOT = timedelta(minutes=10)


@dataclass(frozen=True)
class Said:
    """One stored event: a limit crossed (``state``) or returned, or an alert that was sent (None)."""

    at: datetime
    alarm: int
    state: str | None
    severity: str
    site_id: int | None

    @property
    def is_alarm(self) -> bool:
        return self.state != "returned" and self.severity != "INFO"

    @property
    def key(self) -> tuple[str, int]:
        return ("limit" if self.state else "alert", self.alarm)


def row(household: Household, said: Said) -> dict[str, object]:
    return {
        "id": uuid4(),
        "tenant_id": household.tenant.id,
        "asset_id": household.asset.id,
        "site_id": said.site_id,
        "source_system": "OPTRIA_ALERT",
        "source_type": "ALERT",
        "source_id": f"{said.alarm}:high:7.0:X:{said.state}" if said.state else str(uuid4()),
        "event_time": said.at,
        "severity": said.severity,
        "event_category": "ALERT" if said.is_alarm or not said.state else "SENSOR",
        "summary": f"alarm {said.alarm}",
        "payload": {"state": said.state, "external_tag": f"T{said.alarm}"} if said.state else {},
    }


async def store(house: House, household: Household, events: Sequence[Said]) -> None:
    async with house.database.transaction(household.tenant.id) as tx:
        await tx.session.execute(insert(EventRow), [row(household, said) for said in events])


async def figures_of(house: House, site_id: int | None = None, days: int = DAYS) -> AlarmFigures:
    tenant_id = house.own.tenant.id
    async with house.database.transaction(tenant_id) as tx:
        return await read_figures(tx, Period(END, days * 144, tenant_id, site_id))


def made_up(seed: int, sites: Sequence[int | None]) -> list[Said]:
    """Quiet hours, bursts that are floods, chatter of single alarms, and some that never return."""
    chance = random.Random(seed)
    events: list[Said] = []
    for _ in range(60):
        begin = END - timedelta(seconds=chance.randrange(1, (DAYS + 2) * 86_400))
        alarm, site = chance.randrange(12), chance.choice(sites)
        many = chance.choice((1, 1, 1, 2, 4, 14))
        at = begin
        for _ in range(many):
            at += timedelta(microseconds=chance.randrange(1_000_000, 90_000_000))
            state = chance.choice(("crossed", "crossed", "returned", None))
            word = "INFO" if state == "returned" else chance.choice(("CRITICAL", "MAJOR", "MINOR", "WARNING"))
            events.append(Said(at, alarm, state, word, site))
            alarm = chance.choice((alarm, chance.randrange(12)))
    return [said for said in events if said.at < END]


def slow_rate(alarms: Sequence[Said], start: datetime) -> list[int]:
    counts = Counter((said.at - start) // SLOT for said in alarms)
    return [counts[slot] for slot in range(DAYS * 144)]


def slow_floods(rate: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """(first slot, slot after the last, alarms)."""
    begun: int | None = None
    for slot, n in enumerate([*rate, 0]):
        if begun is None and n > 10:
            begun = slot
        elif begun is not None and (n < 5 or slot == len(rate)):
            yield begun, slot, sum(rate[begun:slot])
            begun = None


def slow_chatter(alarms: Sequence[Said]) -> tuple[int, int]:
    times: Mapping[tuple[str, int], list[datetime]] = defaultdict(list)
    for said in sorted(alarms, key=lambda each: each.at):
        times[said.key].append(said.at)
    minute = timedelta(seconds=60)
    found = {
        key: sum(later - earlier <= minute for earlier, later in zip(at, at[2:], strict=False))
        for key, at in times.items()
    }
    return sum(n > 0 for n in found.values()), sum(found.values())


def slow_stale(events: Sequence[Said]) -> set[int]:
    since: dict[int, datetime] = {}
    for said in sorted(events, key=lambda each: each.at):
        if said.state == "crossed":
            since.setdefault(said.alarm, said.at)
        elif said.state == "returned":
            since.pop(said.alarm, None)
    return {alarm for alarm, at in since.items() if at < END - timedelta(hours=24)}


@pytest.mark.parametrize("seed", range(4))
async def test_the_database_counts_as_a_slow_count_does(house: House, seed: int) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        second = await factories.site(tx, house.own.tenant.id)
    events = made_up(seed, (house.own.site.id, second.id, None))
    await store(house, house.own, events)
    await store(house, house.other, made_up(seed + 100, (house.other.site.id,)))
    for site_id in (None, second.id):
        mine = [each for each in events if site_id is None or each.site_id == site_id]
        start = END - timedelta(days=DAYS)
        alarms = [each for each in mine if each.is_alarm and each.at >= start]
        figures = await figures_of(house, site_id)
        assert figures.total == len(alarms) > 0
        assert list(figures.rate) == slow_rate(alarms, start)
        assert [
            ((f.starts_at - start) // SLOT, (f.ends_at - start) // SLOT, f.alarms) for f in figures.floods
        ] == list(slow_floods(figures.rate))
        assert (figures.chattering, figures.chattering_times) == slow_chatter(alarms)
        assert figures.priorities == dict(Counter(each.severity for each in alarms))
        assert {int(each.alarm.split(":")[0]) for each in figures.stale} == slow_stale(mine)
        most = Counter(each.key for each in alarms).most_common(10)
        assert [each.times for each in figures.frequent] == [n for _, n in most]
        assert sum(each.share for each in figures.frequent) == pytest.approx(
            sum(n for _, n in most) / len(alarms)
        )


async def test_a_flood_ends_with_fewer_than_five(house: House) -> None:
    start = END - timedelta(days=1)
    counts = {3: 11, 4: 6, 5: 5, 6: 4, 7: 12, 143: 11}
    events = [
        Said(start + slot * SLOT + timedelta(seconds=n), n, None, "MAJOR", None)
        for slot, many in counts.items()
        for n in range(many)
    ]
    await store(house, house.own, events)
    figures = await figures_of(house, days=1)
    spans = [((f.starts_at - start) // SLOT, (f.ends_at - start) // SLOT) for f in figures.floods]
    assert spans == [(3, 6), (7, 8), (143, 144)]
    assert [f.alarms for f in figures.floods] == [22, 12, 11]
    assert [f.peak for f in figures.floods] == [11, 12, 11]
    assert figures.in_flood == pytest.approx(5 / 144)
    assert figures.peak == 12


async def test_without_alarms_there_is_nothing_to_divide_by(house: House) -> None:
    figures = await figures_of(house)
    assert (figures.total, figures.average, figures.verdict) == (0, 0.0, Verdict.ACCEPTABLE)
    assert figures.frequent_share == 0.0
    assert [share for _, _, share, _ in figures.distribution] == [0.0, 0.0, 0.0]
    assert sum(n for _, _, n in figures.histogram) == DAYS * 144


def test_the_verdicts_are_those_of_the_standards() -> None:
    found = [verdict_of(mean) for mean in (1.0, 1.01, 2.0, 2.01, 10.0, 10.01)]
    assert found == [
        Verdict.ACCEPTABLE,
        Verdict.MANAGEABLE,
        Verdict.MANAGEABLE,
        Verdict.DEMANDING,
        Verdict.DEMANDING,
        Verdict.UNACCEPTABLE,
    ]


@pytest.mark.parametrize("days", [1, 7, 30])
def test_the_chart_shows_the_highest_ten_minutes_of_each_bar(days: int) -> None:
    rate = [slot % 13 for slot in range(days * 144)]
    figures = AlarmFigures(Period(END, len(rate), 1), rate, [], 0, 0, [], [], {})
    chart = chart_of(figures)
    assert len(chart.bars) <= BARS
    together = chart.minutes // 10
    assert [bar.alarms for bar in chart.bars] == [
        max(rate[at : at + together]) for at in range(0, len(rate), together)
    ]
    assert sum(bar.width for bar in chart.bars) == pytest.approx(100)
    assert all(later.left > earlier.left for earlier, later in pairwise(chart.bars))
    assert chart.y(0) == chart.height
