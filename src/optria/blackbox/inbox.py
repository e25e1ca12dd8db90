"""What the stream has said and nobody has committed yet: bounded, never waiting, every loss counted."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from optria.blackbox.anchors import anchor_id
from optria.core.event import Event, Severity
from optria.core.incident import Anchor
from optria.kit import clock

log = structlog.get_logger(__name__)

EVENTS_HELD = 10_000


@dataclass(frozen=True, slots=True)
class Held:
    """An anchor that waits for its incident; ``taken_at`` is the wall clock when the detector set it.

    One of a detector comes ``once``: again after a restart that scored the same samples again, it is known.
    """

    tenant_id: int
    anchor: Anchor
    taken_at: datetime
    once: bool = False


class Inbox:
    """Anchors, held once per asset and mode, and events, held in order."""

    def __init__(self) -> None:
        self._anchors: dict[tuple[int, int, str], Held] = {}
        self._events: deque[tuple[int, Event]] = deque()
        self.counts: Counter[str] = Counter()
        """anchors, anchors_merged, events, events_shed, and what the database refused."""

    def __bool__(self) -> bool:
        return bool(self._anchors or self._events)

    @property
    def waiting(self) -> Mapping[str, int]:
        """How many anchors and events are held."""
        return {"anchors": len(self._anchors), "events": len(self._events)}

    def put_anchor(self, tenant_id: int, anchor: Anchor, *, once: bool = False) -> None:
        """A later anchor of the same asset and mode merges into the one that waits."""
        self.counts["anchors"] += 1
        key = (tenant_id, anchor.asset_id, anchor.mode)
        if key in self._anchors:
            self.counts["anchors_merged"] += 1
        else:
            log.info(
                "anchor_set", tenant=tenant_id, asset=anchor.asset_id, anchor=anchor_id(tenant_id, anchor)
            )
        self._anchors.setdefault(key, Held(tenant_id, anchor, clock.now(), once))

    def put_event(self, tenant_id: int, event: Event) -> None:
        """Beyond 10,000 waiting events the oldest is shed, and counted; CRITICAL ones last."""
        self.counts["events"] += 1
        if len(self._events) >= EVENTS_HELD:
            self.counts["events_shed"] += 1
            self._events.remove(
                next((e for e in self._events if e[1].severity < Severity.CRITICAL), self._events[0])
            )
        self._events.append((tenant_id, event))

    def anchors(self) -> Sequence[Held]:
        """What is held, oldest anchor first, of equally old ones the stronger; it stays until it is done."""
        return sorted(self._anchors.values(), key=lambda held: (held.anchor.time, -held.anchor.score))

    def give_up(self) -> int:
        """Drop everything: another server sees the same. How much it was."""
        dropped = len(self._anchors) + len(self._events)
        self.counts["fenced"] += dropped
        self._anchors.clear()
        self._events.clear()
        return dropped

    def anchor_done(self, held: Held) -> None:
        self._anchors.pop((held.tenant_id, held.anchor.asset_id, held.anchor.mode), None)

    def events(self, limit: int) -> tuple[int, Sequence[Event]] | None:
        """The oldest events of one tenant; they stay until :meth:`events_done`."""
        if not self._events:
            return None
        tenant_id = self._events[0][0]
        return tenant_id, [event for owner, event in self._events if owner == tenant_id][:limit]

    def events_done(self, done: Sequence[Event]) -> None:
        gone = set(map(id, done))
        self._events = deque(entry for entry in self._events if id(entry[1]) not in gone)
