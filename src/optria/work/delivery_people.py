"""The queue of the people: one letter at a time each, held back by quiet hours, digests and floods."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, case, false, func, or_, select, text, update

from optria.core.event import Severity
from optria.core.roles import Permission, Role, can
from optria.db.delivery import Delivery, DeliveryState
from optria.db.identity import Tenant, User
from optria.db.session import Tx
from optria.db.work import NotificationRow
from optria.kit import clock
from optria.work import preferences
from optria.work.delivery_channels import CHANNELS, Item, Letter, NotSent
from optria.work.delivery_planning import FLOOD_LIMIT, FLOOD_WINDOW, HeldFor, Preferences
from optria.work.delivery_queue import Claim, claim, finish, first_due, is_due, is_hopeless, settle
from optria.work.delivery_told import incidents_told

DIGEST_LINES: Final = 50
LOCK_CLASS: Final = 0x6F707464  # "optd"
_GRAVEST: Final = case(
    {severity.name: -severity for severity in Severity}, value=NotificationRow.severity, else_=0
)
_NEEDED: Final = {"WORK_ORDER": Permission.VIEW_WORK_ORDERS, "RCA": Permission.VIEW_RCA}
"""What a person has to be allowed to read to be told of a kind, by the beginning of its name."""


@dataclass(frozen=True, slots=True, order=True)
class Person:
    """A destination: one person by one channel."""

    tenant_id: int
    channel: str
    user_id: int

    def rows(self) -> tuple[ColumnElement[bool], ...]:
        return (
            Delivery.tenant_id == self.tenant_id,
            Delivery.channel == self.channel,
            Delivery.user_id == self.user_id,
        )


@dataclass(frozen=True, slots=True)
class PersonJob:
    claim: Claim
    letter: Letter
    incidents: Sequence[str] = ()


class PersonQueue:
    """Letters to people by the channels in ``CHANNELS``."""

    async def due(self, tx: Tx) -> list[Person]:
        """Who has something due, across tenants."""
        statement = (
            select(Delivery.tenant_id, Delivery.channel, Delivery.user_id)
            .where(is_due(Delivery), Delivery.channel.in_(CHANNELS))
            .distinct()
            .limit(500)
        )
        found = await tx.session.execute(statement)
        return [Person(tenant, channel, user) for tenant, channel, user in found if user is not None]

    async def claim(self, tx: Tx, person: Person) -> PersonJob | None:
        """The next letter that may go out now; None when nothing is left that may."""
        await _alone(tx, person)
        wanted, zone = await preferences.of_person(tx, person.tenant_id, person.user_id)
        user = await tx.session.get(User, person.user_id)
        while row := await first_due(tx, Delivery, *person.rows()):
            if not is_hopeless(row) and await _may_go(tx, person, row, user, wanted):
                assert user is not None
                if row.digest_id is None and row.attempts == 0:
                    await _gather(tx, person, row, wanted, user.known_role)
                taken = claim(row)
                return PersonJob(
                    taken, await _letter(tx, row, user, zone), await incidents_told(tx, _told_by(row))
                )
            await tx.session.flush()
        return None

    async def send(self, person: Person, job: PersonJob) -> None:
        """Outside any transaction. Raises NotSent."""
        await CHANNELS[person.channel].send(job.letter)

    async def settle(self, tx: Tx, person: Person, job: PersonJob, failure: NotSent | None) -> None:
        await settle(tx, Delivery, job.claim, failure)


async def _alone(tx: Tx, person: Person) -> None:
    """Until the commit nobody else counts or claims for this person (safe behind a transaction pooler)."""
    lock = text("SELECT pg_advisory_xact_lock(:class, :user)")
    await tx.session.execute(lock, {"class": LOCK_CLASS, "user": person.user_id})


async def _may_go(tx: Tx, person: Person, row: Delivery, user: User | None, wanted: Preferences) -> bool:
    """Whether a due row may go out now; if not it is dropped or due later."""
    severity = await _severity(tx, row)
    why_not = await _why_never(tx, row, user)
    if why_not is None and not wanted.wants(person.channel, severity):
        why_not = "The person does not want this any more."
    if why_not is not None:
        finish(row, DeliveryState.DROPPED, why_not)
        return False
    quiet_until = wanted.quiet_until(severity, clock.now())
    if quiet_until is not None:
        _hold(row, HeldFor.QUIET_HOURS, quiet_until)
        return False
    flood_until = await _flood_until(tx, person)
    if flood_until is not None:
        await _hold_all(tx, person, flood_until)
        return False
    return True


async def _why_never(tx: Tx, row: Delivery, user: User | None) -> str | None:
    """Why the person may not be told this (any more), as a sentence."""
    if user is None or not user.is_active:
        return "The person's account is not active."
    if (await tx.session.get_one(Tenant, row.tenant_id)).is_closed:
        return "The tenant is closed."
    told = select(Delivery.id).join(NotificationRow, NotificationRow.id == Delivery.notification_id)
    if await tx.session.scalar(told.where(_told_by(row), _beyond(user.known_role)).limit(1)):
        return "The person's role does not see this any more."
    return None


def _beyond(role: Role) -> ColumnElement[bool]:
    """Notifications of what a role may not read."""
    kinds = [kind for kind, needed in _NEEDED.items() if not can(role, needed)]
    return or_(false(), *(NotificationRow.notification_type.startswith(kind) for kind in kinds))


async def _severity(tx: Tx, row: Delivery) -> Severity:
    """Of a digest, that of its gravest."""
    statement = (
        select(NotificationRow.severity)
        .join(Delivery, Delivery.notification_id == NotificationRow.id)
        .where(_told_by(row))
        .distinct()
    )
    return max(map(Severity.parse, (await tx.session.execute(statement)).scalars()), default=Severity.INFO)


def _told_by(row: Delivery) -> ColumnElement[bool]:
    return Delivery.id == row.id if row.digest_id is None else Delivery.digest_id == row.digest_id


def _hold(row: Delivery, reason: HeldFor, until: datetime) -> None:
    """A row that was tried already is no part of a later digest: it only waits."""
    row.next_attempt_at, row.claim = until, None
    if row.attempts == 0 and row.digest_id is None:
        row.status, row.held_for = DeliveryState.HELD, reason
    else:
        row.status = DeliveryState.PENDING


async def _flood_until(tx: Tx, person: Person) -> datetime | None:
    """When the person may be sent something again; None: now."""
    now = clock.now()
    sent = Delivery.delivered_at > now - FLOOD_WINDOW
    on_its_way = (Delivery.status == DeliveryState.SENDING) & (Delivery.next_attempt_at > now)
    statement = select(func.count(), func.min(Delivery.delivered_at)).where(
        Delivery.tenant_id == person.tenant_id, Delivery.user_id == person.user_id, or_(sent, on_its_way)
    )
    number, oldest = (await tx.session.execute(statement)).one()
    return None if number < FLOOD_LIMIT else (oldest or now) + FLOOD_WINDOW


async def _hold_all(tx: Tx, person: Person, until: datetime) -> None:
    """Everything due waits for the end of the flood; what was never tried goes into its digest."""
    due = (*person.rows(), is_due(Delivery))
    fresh = (Delivery.attempts == 0, Delivery.digest_id.is_(None))
    held = {"status": DeliveryState.HELD, "held_for": HeldFor.FLOOD, "next_attempt_at": until}
    waits = {"status": DeliveryState.PENDING, "claim": None, "next_attempt_at": until}
    await tx.session.execute(update(Delivery).where(*due, *fresh).values(**held))
    await tx.session.execute(update(Delivery).where(*due).values(**waits))


async def _gather(tx: Tx, person: Person, row: Delivery, wanted: Preferences, role: Role) -> None:
    """What was held back with ``row`` and may go now goes in the same letter."""
    if row.status != DeliveryState.HELD:
        return
    others = [*person.rows(), Delivery.status == DeliveryState.HELD, Delivery.id != row.id]
    unseen = select(NotificationRow.id).where(
        NotificationRow.tenant_id == person.tenant_id,
        NotificationRow.user_id == person.user_id,
        _beyond(role),
    )
    others.append(Delivery.notification_id.not_in(unseen))
    if wanted.quiet_until(Severity.INFO, clock.now()) is not None:
        others.append(Delivery.notification_id.in_(_critical()))
    told = {"status": DeliveryState.DIGESTED, "digest_id": row.id, "next_attempt_at": None}
    statement = update(Delivery).where(*others).values(**told).returning(Delivery.id)
    if (await tx.session.execute(statement)).first() is not None:
        row.digest_id = row.id
        await tx.session.flush()


def _critical() -> Select[UUID]:
    """What breaks through quiet hours."""
    return select(NotificationRow.id).where(NotificationRow.severity == Severity.CRITICAL.name)


async def _letter(tx: Tx, row: Delivery, user: User, zone: ZoneInfo) -> Letter:
    told = select(NotificationRow).join(Delivery, Delivery.notification_id == NotificationRow.id)
    newest = told.where(_told_by(row)).order_by(_GRAVEST, NotificationRow.created_at.desc())
    notes = (await tx.session.execute(newest.limit(DIGEST_LINES))).scalars().all()
    flood = func.count().filter(Delivery.held_for == HeldFor.FLOOD)
    statement = select(func.count(), flood).where(_told_by(row))
    total, suppressed = (await tx.session.execute(statement)).one()
    return Letter(
        key=row.key,
        address=user.email,
        name=user.full_name or user.username,
        items=_items(notes, zone),
        total=total,
        suppressed=suppressed,
    )


def _items(notes: Sequence[NotificationRow], zone: ZoneInfo) -> tuple[Item, ...]:
    return tuple(
        Item(
            title=note.title,
            title_ar=note.title_ar or "",
            body=note.body or "",
            body_ar=note.body_ar or "",
            severity=note.severity or Severity.INFO.name,
            path=note.action_url if note.action_url and note.action_url.startswith("/") else "",
            at=(note.created_at or clock.now()).astimezone(zone),
        )
        for note in notes
    )
