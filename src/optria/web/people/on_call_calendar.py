"""The calendar of the rota: for each rota a line of stretches, in fractions of the time shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from optria.core.rota import Claim, Rank, merged
from optria.db.identity import User
from optria.db.session import Tx
from optria.web.people.on_call_views import people_of
from optria.web.people.rota_scopes import Scope, fit_people, scopes_of
from optria.work.on_call import claims_between

SHADES: Final = 5
"""Greys that tell neighbours apart; names tell who it is."""
WEEKS: Final = (1, 4)


@dataclass(frozen=True, slots=True)
class Span:
    """The days shown: from midnight to midnight of a zone."""

    first: date
    days: int
    zone: ZoneInfo

    @property
    def start(self) -> datetime:
        return self.midnight(0)

    @property
    def end(self) -> datetime:
        return self.midnight(self.days)

    def midnight(self, number: int) -> datetime:
        day = self.first + timedelta(days=number)
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def fraction(self, moment: datetime) -> float:
        """Where a moment lies, 0 to 1; a day of 23 or 25 hours is as wide as the others."""
        local = moment.astimezone(self.zone)
        number = (local.date() - self.first).days
        begin, end = self.midnight(number), self.midnight(number + 1)
        return min(1.0, max(0.0, (number + (moment - begin) / (end - begin)) / self.days))

    def moved(self, weeks: int) -> date:
        return self.first + timedelta(weeks=weeks)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which one person, or nobody (``person`` None), is on call."""

    starts_at: datetime
    ends_at: datetime
    person: User | None
    is_override: bool
    source_id: int | None
    shade: int
    left: float
    width: float
    is_now: bool


@dataclass(frozen=True, slots=True)
class Line:
    """The rota of one scope over the time shown."""

    scope: Scope
    stretches: Sequence[Stretch]

    @property
    def gaps(self) -> Sequence[Stretch]:
        return [each for each in self.stretches if each.person is None]

    @property
    def now(self) -> Stretch | None:
        return next((each for each in self.stretches if each.is_now), None)


def week_of(day: date) -> date:
    """The Sunday that begins a week in the plants' countries."""
    return day - timedelta(days=(day.weekday() + 1) % 7)


async def calendar(tx: Tx, tenant_id: int, span: Span, now: datetime) -> list[Line]:
    """Who is on call over the days shown, rota by rota."""
    fit = await fit_people(tx, tenant_id)
    scopes = await scopes_of(tx, tenant_id, span.start)
    claims = [
        merged(
            await claims_between(tx, tenant_id, scope.site_id, span.start, span.end, fit),
            span.start,
            span.end,
        )
        for scope in scopes
    ]
    people = await people_of(tx, [claim.turn.user_id for line in claims for claim in line])
    shades = {user_id: number % SHADES for number, user_id in enumerate(sorted(people))}
    return [
        Line(scope, list(_stretches(line, span, now, people, shades)))
        for scope, line in zip(scopes, claims, strict=True)
    ]


def _stretches(
    claims: Sequence[Claim], span: Span, now: datetime, people: Mapping[int, User], shades: Mapping[int, int]
) -> Iterator[Stretch]:
    """The claims of a line and what lies between them."""
    at = span.start
    for claim in claims:
        if at < claim.turn.starts_at:
            yield _stretch(at, claim.turn.starts_at, None, span, now, people, shades)
        at = claim.turn.ends_at
        yield _stretch(claim.turn.starts_at, at, claim, span, now, people, shades)
    if at < span.end:
        yield _stretch(at, span.end, None, span, now, people, shades)


def _stretch(
    begin: datetime,
    end: datetime,
    claim: Claim | None,
    span: Span,
    now: datetime,
    people: Mapping[int, User],
    shades: Mapping[int, int],
) -> Stretch:
    left, right = span.fraction(begin), span.fraction(end) if end < span.end else 1.0
    user_id = claim.turn.user_id if claim else 0
    return Stretch(
        begin,
        end,
        people.get(user_id),
        claim is not None and claim.rank in (Rank.SITE_SHIFT, Rank.SHIFT),
        claim.source_id if claim else None,
        shades.get(user_id, 0),
        left,
        right - left,
        begin <= now < end,
    )
