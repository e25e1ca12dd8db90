"""What waits for a slow browser: merged, bounded, never lost silently."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from optria.core.asset import Asset, PlantModel, Site
from optria.core.messages import Message
from optria.core.tag import EPOCH, Quality, Sample, SignalMapping
from optria.web.mailbox import MAX_WAITING_EVENTS, Mailbox
from optria.web.topics import RING, Audience, EventTopic, ValueTopic, encode_samples
from tests.web.house import Stream

TAGS = (11, 12, 13)


def _plant() -> PlantModel:
    mappings = tuple(SignalMapping(tag, 1, 5, f"P-1.{tag}", f"m{tag}", "bar") for tag in TAGS)
    asset = Asset(5, "P-1", "Pump", "Pump", 2)
    return PlantModel(1, (Site(2, "S", "S"),), (asset,), mappings=mappings)


class Screen:
    """A browser that applies what it gets, as ``live.js`` does."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.seen: list[int] = []
        self.last: tuple[int, str] | None = None
        self.snapshots = 0
        self.start = 0
        """Where the last snapshot stood; events after it are in ``seen``."""

    def apply(self, frame: str | None) -> int | None:
        number = None
        for message in json.loads(frame) if frame else []:
            if message["op"] == "n":
                number = message["n"]
            elif message["op"] == "snap":
                self.values, self.seen = dict(message["data"]), []
                self.snapshots, self.start = self.snapshots + 1, message["seq"]
                self.last = (message["seq"], message["epoch"])
            elif message["topic"].startswith("v:"):
                self.values |= message["data"]
            else:
                self.seen += [item["seq"] for item in message["data"]]
                self.last = (message["seq"], message["epoch"])
        return number


STEP = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(TAGS), st.floats(allow_nan=True, allow_infinity=True)),
    st.tuples(st.just("tick"), st.just(0), st.just(0.0)),
    st.tuples(st.just("read"), st.just(0), st.just(0.0)),
    st.tuples(st.just("ack"), st.just(0), st.just(0.0)),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(STEP, max_size=60), st.integers(0, 30))
def test_a_snapshot_with_all_later_deltas_is_a_new_snapshot(
    steps: list[tuple[str, int, float]], subscribe_at: int
) -> None:
    stream, mailbox, screen = Stream(TAGS), Mailbox(), Screen()
    topic = ValueTopic("v:site:2", "e", lambda: stream.live)
    topic.follow(_plant())
    version, number = 0, 0
    for moment, (kind, tag, value) in enumerate(steps):
        if moment == subscribe_at:
            topic.subscribe(mailbox)
        if kind == "put":
            stream.put(Sample(tag, EPOCH.replace(second=moment % 60), value, Quality.GOOD))
        elif kind == "tick":
            version, changed = stream.live.changed_since(version)
            topic.publish(encode_samples(changed))
        elif kind == "read":
            number = screen.apply(mailbox.take()) or number
        else:
            mailbox.acknowledge(number)
        assert mailbox.unacknowledged <= 2
    if len(steps) <= subscribe_at:
        topic.subscribe(mailbox)
    topic.publish(encode_samples(stream.live.changed_since(version)[1]))
    mailbox.acknowledge(10_000)
    screen.apply(mailbox.take())
    fresh, other = Screen(), Mailbox()
    topic.subscribe(other)
    fresh.apply(other.take())
    assert screen.values == fresh.values


def _message(number: int) -> Message:
    return Message(
        1,
        "incidents",
        "incident_opened",
        str(number),
        data={"title": "Pump", "plain_title": "Anomaly", "story": "secret"},
    )


def test_without_acknowledgement_two_frames_leave_and_values_merge() -> None:
    stream, mailbox, screen = Stream(TAGS), Mailbox(), Screen()
    topic = ValueTopic("v:asset:5", "e", lambda: stream.live)
    topic.follow(_plant())
    topic.subscribe(mailbox)
    sent = [screen.apply(mailbox.take())]
    version = 0
    for moment in range(40):
        stream.put(Sample(TAGS[moment % 2], EPOCH.replace(second=moment), float(moment), Quality.GOOD))
        version, changed = stream.live.changed_since(version)
        topic.publish(encode_samples(changed))
        sent.append(screen.apply(mailbox.take()))
    assert [number for number in sent if number] == [1, 2]
    mailbox.acknowledge(2)
    screen.apply(mailbox.take())
    assert screen.values == {"11": [38, 38000, 0], "12": [39, 39000, 0]}


def test_too_many_waiting_events_become_a_snapshot() -> None:
    topic, mailbox, screen = EventTopic("e:incidents", "e"), Mailbox(), Screen()
    topic.subscribe(mailbox, Audience.FULL, None, None)
    screen.apply(mailbox.take())
    for number in range(MAX_WAITING_EVENTS + 50):
        topic.publish(_message(number))
    screen.apply(mailbox.take())
    assert screen.seen == []
    assert screen.snapshots == 2
    assert screen.last == (MAX_WAITING_EVENTS + 50, "e")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["publish", "read", "leave", "return"]), max_size=80))
def test_whoever_comes_back_misses_and_repeats_nothing(steps: list[str]) -> None:
    topic, mailbox, screen = EventTopic("e:incidents", "e"), Mailbox(), Screen()
    topic.subscribe(mailbox, Audience.FULL, None, None)
    published = 0
    for step in steps:
        if step == "publish":
            published += 1
            topic.publish(_message(published))
        elif step == "read":
            mailbox.acknowledge(screen.apply(mailbox.take()) or 0)
        elif step == "leave":
            topic.unsubscribe(mailbox)
        else:
            mailbox = Mailbox()
            for reader in list(topic.readers):
                topic.unsubscribe(reader)
            since, epoch = screen.last or (None, None)
            topic.subscribe(mailbox, Audience.FULL, since, epoch)
    since, epoch = screen.last or (None, None)
    last = Mailbox()
    topic.subscribe(last, Audience.FULL, since, epoch)
    screen.apply(last.take())
    assert screen.seen == list(range(screen.start + 1, published + 1))
    assert screen.last == (published, "e")


def test_beyond_the_ring_or_in_another_epoch_one_starts_anew() -> None:
    topic = EventTopic("e:incidents", "e")
    for number in range(RING + 10):
        topic.publish(_message(number))
    for since, epoch, snapshots in ((5, "e", 1), (11, "e", 0), (RING, "old", 1), (RING + 99, "e", 1)):
        mailbox, screen = Mailbox(), Screen()
        topic.subscribe(mailbox, Audience.FULL, since, epoch)
        screen.apply(mailbox.take())
        assert screen.snapshots == snapshots, (since, epoch)


def test_each_audience_is_told_what_it_may_know() -> None:
    topic = EventTopic("e:incidents", "e")
    told = {}
    for audience in Audience:
        mailbox = Mailbox()
        topic.subscribe(mailbox, audience, 0, "e")
        topic.publish(_message(1))
        told[audience] = json.loads(mailbox.take() or "[]")[-1]["data"][-1]
    assert told[Audience.FULL]["story"] == "secret"
    assert told[Audience.SUMMARY]["title"] == "Anomaly"
    assert set(told[Audience.SUMMARY]) == {"title", "seq", "kind", "entity_id", "asset_id", "tenant_id"}
    assert set(told[Audience.NEWS]) == {"seq", "kind", "tenant_id"}
