"""How the alarms of a tenant do over a period, beside what ISA-18.2 and IEC 62682 hold acceptable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import RowMapping, TextClause

from optria.db.session import Tx
from optria.web.admin.alarm_sql import CHATTERING, FLOODS, FREQUENT, PRIORITIES, RATE, SLOT_S, STALE

SLOT: Final = timedelta(seconds=SLOT_S)
BANDS: Final = ((0, 0), (1, 1), (2, 2), (3, 5), (6, 10), (11, None))
"""Alarms in ten minutes, from and to, of the rows of the histogram."""
TARGETS: Final = {"CRITICAL": 0.05, "MAJOR": 0.15, "MINOR": 0.80}
"""Share of each priority that the standards recommend; WARNING counts as MINOR."""
LOW: Final = frozenset({"MINOR", "WARNING"})


class Verdict(StrEnum):
    """What the standards say of an average rate per ten minutes and operator."""

    ACCEPTABLE = "acceptable"
    MANAGEABLE = "manageable"
    DEMANDING = "demanding"
    UNACCEPTABLE = "unacceptable"


@dataclass(frozen=True, slots=True)
class Period:
    """Whole ten-minute slots that end at ``end``; ``site_id`` None is every site."""

    end: datetime
    slots: int
    tenant_id: int
    site_id: int | None = None

    @property
    def start(self) -> datetime:
        return self.end - self.slots * SLOT

    def at(self, slot: int) -> datetime:
        return self.start + slot * SLOT

    @property
    def parameters(self) -> Mapping[str, object]:
        return {
            "tenant": self.tenant_id,
            "site": self.site_id,
            "start": self.start,
            "end": self.end,
            "slots": self.slots,
        }


@dataclass(frozen=True, slots=True)
class Flood:
    starts_at: datetime
    ends_at: datetime
    alarms: int
    peak: int


@dataclass(frozen=True, slots=True)
class FrequentAlarm:
    """One of the most frequent alarms; ``share`` of all alarms of the period."""

    alarm: str
    asset_id: int | None
    asset: str
    tag: str
    metric: str
    direction: str
    limit: str
    unit: str
    summary: str
    severity: str
    times: int
    share: float
    last_at: datetime
    chatters: bool


@dataclass(frozen=True, slots=True)
class StaleAlarm:
    alarm: str
    asset_id: int | None
    asset: str
    summary: str
    severity: str
    since: datetime


@dataclass(frozen=True, slots=True)
class AlarmFigures:
    """The figures of a period; ``rate`` is the number of alarms in each slot."""

    period: Period
    rate: Sequence[int]
    floods: Sequence[Flood]
    chattering: int
    chattering_times: int
    frequent: Sequence[FrequentAlarm]
    stale: Sequence[StaleAlarm]
    priorities: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.rate)

    @property
    def average(self) -> float:
        return self.total / len(self.rate)

    @property
    def peak(self) -> int:
        return max(self.rate)

    @property
    def verdict(self) -> Verdict:
        return verdict_of(self.average)

    @property
    def in_flood(self) -> float:
        """Share of the period that was a flood; the standards ask for less than 0.01."""
        seconds = sum((flood.ends_at - flood.starts_at).total_seconds() for flood in self.floods)
        return seconds / (len(self.rate) * SLOT_S)

    @property
    def histogram(self) -> Sequence[tuple[int, int | None, int]]:
        """(from, to, how many slots had so many alarms)."""
        return [(low, high, sum(_within(low, n, high) for n in self.rate)) for low, high in BANDS]

    @property
    def frequent_share(self) -> float:
        """What part of all alarms the ten most frequent ones are; 0.01 to 0.05 is recommended."""
        return sum(each.share for each in self.frequent)

    @property
    def distribution(self) -> Sequence[tuple[str, int, float, float]]:
        """(priority, how many, share, recommended share); words that are none of the three are left out."""
        counts = {name: self.priorities.get(name, 0) for name in TARGETS}
        counts["MINOR"] += self.priorities.get("WARNING", 0)
        known = sum(counts.values())
        return [(name, n, n / known if known else 0.0, TARGETS[name]) for name, n in counts.items()]


def _within(low: int, number: int, high: int | None) -> bool:
    return low <= number and (high is None or number <= high)


def verdict_of(average: float) -> Verdict:
    """About 1 alarm in ten minutes is very likely acceptable, 2 at most manageable, over 10 a flood."""
    if average <= 1:
        return Verdict.ACCEPTABLE
    if average <= 2:
        return Verdict.MANAGEABLE
    return Verdict.DEMANDING if average <= 10 else Verdict.UNACCEPTABLE


async def read_figures(tx: Tx, period: Period) -> AlarmFigures:
    """The figures of a period, by six statements, however many alarms there were."""
    rate = [row["alarms"] for row in await _rows(tx, RATE, period)]
    (chatter,) = await _rows(tx, CHATTERING, period)
    total = sum(rate)
    return AlarmFigures(
        period,
        rate,
        [_flood(period, row) for row in await _rows(tx, FLOODS, period)],
        chatter["alarms"],
        chatter["times"],
        [_frequent(row, total) for row in await _rows(tx, FREQUENT, period)],
        [_stale(row) for row in await _rows(tx, STALE, period)],
        {row["severity"]: row["alarms"] for row in await _rows(tx, PRIORITIES, period)},
    )


async def _rows(tx: Tx, statement: TextClause, period: Period) -> Sequence[RowMapping]:
    named = statement.compile().params
    values = {name: value for name, value in period.parameters.items() if name in named}
    return (await tx.session.execute(statement, values)).mappings().all()


def _flood(period: Period, row: RowMapping) -> Flood:
    return Flood(period.at(row["first_slot"]), period.at(row["last_slot"] + 1), row["alarms"], row["peak"])


def _frequent(row: RowMapping, total: int) -> FrequentAlarm:
    return FrequentAlarm(
        alarm=row["alarm"],
        asset_id=row["asset_id"],
        asset=row["asset"] or "",
        tag=row["tag"] or "",
        metric=row["metric"] or "",
        direction=row["direction"] or "",
        limit=row["limit_value"] or "",
        unit=row["unit"] or "",
        summary=row["summary"] or "",
        severity=row["severity"],
        times=row["times"],
        share=row["times"] / total if total else 0.0,
        last_at=row["last_at"],
        chatters=row["chatters"],
    )


def _stale(row: RowMapping) -> StaleAlarm:
    return StaleAlarm(
        row["alarm"], row["asset_id"], row["asset"] or "", row["summary"] or "", row["severity"], row["since"]
    )
