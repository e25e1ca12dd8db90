"""The inbox is bounded, merges anchors, and counts what it sheds."""

from dataclasses import replace
from datetime import timedelta

from optria.blackbox.inbox import EVENTS_HELD, Inbox
from optria.core.event import Event, Severity
from optria.core.incident import Anchor
from optria.kit import clock


def event(severity: Severity = Severity.MINOR) -> Event:
    return Event(clock.now(), severity, "ALERT", "Level high", 1)


def anchor(asset_id: int, ago_s: float = 0) -> Anchor:
    return Anchor(asset_id, clock.now() - timedelta(seconds=ago_s), 1.5, 0.9, (), "level")


def test_a_later_anchor_of_the_asset_merges_into_the_one_that_waits() -> None:
    inbox = Inbox()
    first = anchor(1, ago_s=9)
    for taken in (first, anchor(1), anchor(2, ago_s=1)):
        inbox.put_anchor(7, taken)
    assert [held.anchor.asset_id for held in inbox.anchors()] == [1, 2]
    assert inbox.anchors()[0].anchor is first
    assert inbox.counts["anchors_merged"] == 1


def test_the_first_and_of_equals_the_strongest_anchor_opens_the_incident() -> None:
    inbox = Inbox()
    weak = anchor(1)
    strong = replace(weak, asset_id=2, score=3.0)
    for taken in (weak, strong, replace(weak, asset_id=3, time=weak.time - timedelta(seconds=1))):
        inbox.put_anchor(7, taken)
    assert [held.anchor.asset_id for held in inbox.anchors()] == [3, 2, 1]


def test_what_is_not_done_stays() -> None:
    inbox = Inbox()
    inbox.put_anchor(7, anchor(1))
    inbox.put_event(7, event())
    assert inbox
    assert inbox.waiting == {"anchors": 1, "events": 1}
    inbox.anchor_done(inbox.anchors()[0])
    taken = inbox.events(10)
    assert taken is not None
    inbox.events_done(taken[1])
    assert not inbox


def test_events_are_taken_tenant_by_tenant_in_order() -> None:
    inbox = Inbox()
    mine, other, again = event(), event(), event()
    for tenant_id, one in ((1, mine), (2, other), (1, again)):
        inbox.put_event(tenant_id, one)
    assert inbox.events(10) == (1, [mine, again])
    assert inbox.events(1) == (1, [mine])


def test_the_oldest_that_is_not_critical_is_shed_and_counted() -> None:
    inbox = Inbox()
    grave = event(Severity.CRITICAL)
    inbox.put_event(1, grave)
    for _ in range(EVENTS_HELD):
        inbox.put_event(1, event())
    assert inbox.counts["events_shed"] == 1
    assert inbox.waiting["events"] == EVENTS_HELD
    taken = inbox.events(1)
    assert taken is not None
    assert taken[1] == [grave]
