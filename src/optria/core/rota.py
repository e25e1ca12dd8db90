"""Who is on call: people in turn by a rotation's local clock, and shifts that go before it."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from heapq import heappop, heappush
from itertools import pairwise
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Rotation:
    """People in turn, ``shift_days`` each, who hand over at ``handover_at`` of ``zone``.

    The first of ``members`` (user ids) begins on ``starts_on``; before that nobody is on call by it. A local
    time that the zone skips is read with the offset before the gap, one that occurs twice as the first
    occurrence: RFC 5545, 3.3.5, and what ``fold=0`` means in :mod:`zoneinfo`.
    """

    members: tuple[int, ...]
    starts_on: date
    handover_at: time
    shift_days: int
    zone: ZoneInfo

    def __post_init__(self) -> None:
        if not self.members or self.shift_days < 1:
            raise ValueError("A rotation has somebody in it, and turns of at least a day.")

    def handover(self, number: int) -> datetime:
        """When turn ``number`` (from 0) begins, in UTC."""
        day = self.starts_on + timedelta(days=number * self.shift_days)
        return datetime.combine(day, self.handover_at, self.zone).astimezone(UTC)

    def turn_at(self, instant: datetime) -> int:
        """The number of the turn that ``instant`` lies in; negative before the first."""
        days = (instant.astimezone(self.zone).date() - self.starts_on).days
        number = days // self.shift_days
        while self.handover(number) > instant:
            number -= 1
        while self.handover(number + 1) <= instant:
            number += 1
        return number


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody's time on call, [starts_at, ends_at) in UTC."""

    user_id: int
    starts_at: datetime
    ends_at: datetime


def person_at(rotation: Rotation, instant: datetime, fit: Collection[int]) -> int | None:
    """Who is on call by the rotation at ``instant``; None before it begins, or when nobody in it is ``fit``.

    ``fit`` are the user ids that may be on call: a turn of somebody else is taken by the next fit member.
    """
    number = rotation.turn_at(instant)
    return None if number < 0 else _person_of(rotation, number, fit)


def _person_of(rotation: Rotation, number: int, fit: Collection[int]) -> int | None:
    order = (
        rotation.members[(number + step) % len(rotation.members)] for step in range(len(rotation.members))
    )
    return next((user_id for user_id in order if user_id in fit), None)


def handovers(rotation: Rotation, start: datetime, end: datetime) -> Iterator[datetime]:
    """The handovers in [start, end), in UTC, also those at which the same person goes on."""
    number = max(0, rotation.turn_at(start))
    while (moment := rotation.handover(number)) < end:
        if moment >= start:
            yield moment
        number += 1


def turns(rotation: Rotation, start: datetime, end: datetime, fit: Collection[int]) -> Iterator[Turn]:
    """The rotation's turns that touch [start, end), whole; without those that nobody ``fit`` takes."""
    number = max(0, rotation.turn_at(start))
    while (begin := rotation.handover(number)) < end:
        number += 1
        finish, person = rotation.handover(number), _person_of(rotation, number - 1, fit)
        if person is not None and begin < finish and finish > start:
            yield Turn(person, begin, finish)


class Rank(IntEnum):
    """What goes before what: the lower rank decides."""

    SITE_SHIFT = 0
    SHIFT = 1
    SITE_ROTATION = 2
    ROTATION = 3


@dataclass(frozen=True, slots=True)
class Claim:
    """A turn, and why it counts: the shift or rotation ``source_id``, of one site or of all."""

    turn: Turn
    rank: Rank
    source_id: int

    @property
    def order(self) -> tuple[int, float, int, int]:
        """The least decides. Of two shifts the later begun, of two rotations the earlier made."""
        is_shift = self.rank in (Rank.SITE_SHIFT, Rank.SHIFT)
        begun = -self.turn.starts_at.timestamp() if is_shift else 0.0
        return self.rank, begun, self.source_id, self.turn.user_id


def deciding(claims: Iterable[Claim], instant: datetime) -> Claim | None:
    """The claim that says who is on call at ``instant``; None when nobody is."""
    valid = (claim for claim in claims if claim.turn.starts_at <= instant < claim.turn.ends_at)
    return min(valid, key=lambda claim: claim.order, default=None)


def merged(claims: Sequence[Claim], start: datetime, end: datetime) -> list[Claim]:
    """Who is on call over [start, end): stretches in order, none overlapping, cut at both ends.

    Where nobody is on call there is no stretch. A claim that another one interrupts appears twice.
    """
    found: list[Claim] = []
    for begin, finish, claim in _stretches(claims, start, end):
        last = found[-1] if found else None
        goes_on = last is not None and last.turn.ends_at == begin and _same(last, claim)
        since = found.pop().turn.starts_at if goes_on and last is not None else begin
        found.append(Claim(Turn(claim.turn.user_id, since, finish), claim.rank, claim.source_id))
    return found


def _stretches(
    claims: Sequence[Claim], start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime, Claim]]:
    """[start, end) cut wherever a claim begins or ends, each with the claim that decides there."""
    ends = {moment for claim in claims for moment in (claim.turn.starts_at, claim.turn.ends_at)}
    cuts = sorted({start, end} | {moment for moment in ends if start < moment < end})
    coming = sorted(claims, key=lambda claim: claim.turn.starts_at, reverse=True)
    begun: list[tuple[tuple[int, float, int, int], int, Claim]] = []
    for begin, finish in pairwise(cuts):
        while coming and coming[-1].turn.starts_at <= begin:
            heappush(begun, (coming[-1].order, len(coming), coming.pop()))
        while begun and begun[0][2].turn.ends_at <= begin:
            heappop(begun)
        if begun:
            yield begin, finish, begun[0][2]


def _same(one: Claim, other: Claim) -> bool:
    return (one.rank, one.source_id, one.turn.user_id) == (other.rank, other.source_id, other.turn.user_id)
