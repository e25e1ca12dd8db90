"""The topics of the live protocol: who may hear what, numbered and encoded once."""

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from math import isfinite
from typing import Final

from optria.core.asset import PlantModel
from optria.core.messages import Message
from optria.core.roles import Permission, Role
from optria.streams.live import Latest, Live
from optria.web.mailbox import Mailbox, ValuesDelta, encode_entries

RING: Final = 2_000
"""Events kept per topic and tenant, for clients that come back."""
SUMMARY_KEYS: Final = frozenset({"number", "severity", "status", "start_time", "end_time"})
"""All that a viewer is told of an incident, beside its id, its asset and its title without the cause."""
EVENT_TOPICS: Final[Mapping[str, Permission]] = {
    "e:incidents": Permission.VIEW_INCIDENTS,
    "e:workorders": Permission.VIEW_WORK_ORDERS,
    "e:notify": Permission.VIEW_NOTIFICATIONS,
    "e:rca": Permission.VIEW_RCA,
    "e:configuration": Permission.VIEW_RULES,
}


class Audience(StrEnum):
    """How much of an event a role is told: what it may see is decided where it is fetched."""

    FULL = "full"
    SUMMARY = "summary"
    NEWS = "news"
    """Only that something changed."""


def audience_of(role: Role, topic: str) -> Audience:
    """Engineers see assigned incidents and orders only: they hear that something changed and fetch theirs."""
    if topic == "e:notify":
        return Audience.FULL
    if role is Role.VIEWER:
        return Audience.SUMMARY
    return Audience.NEWS if role is Role.ENGINEER else Audience.FULL


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class _Event:
    """One event with its encodings, each made when it is first wanted."""

    __slots__ = ("_message", "_texts", "seq")

    def __init__(self, seq: int, message: Message) -> None:
        self.seq = seq
        self._message = message
        self._texts: dict[Audience, str] = {}

    def text(self, audience: Audience) -> str:
        if audience not in self._texts:
            self._texts[audience] = _compact(self._told(audience))
        return self._texts[audience]

    def _told(self, audience: Audience) -> dict[str, object]:
        message = self._message
        if audience is Audience.NEWS:
            return {"seq": self.seq, "kind": "changed", "tenant_id": message.tenant_id}
        told: dict[str, object] = {}
        if audience is Audience.FULL:
            told.update(message.data)
        elif audience is Audience.SUMMARY:
            told.update({key: value for key, value in message.data.items() if key in SUMMARY_KEYS})
            told["title"] = message.data.get("plain_title")
        told.update(
            seq=self.seq,
            kind=message.kind,
            entity_id=message.entity_id,
            asset_id=message.asset_id,
            tenant_id=message.tenant_id,
        )
        return told


class EventTopic:
    """A numbered stream of events with a ring for those who come back."""

    def __init__(self, name: str, epoch: str) -> None:
        self.name = name
        self.epoch = epoch
        self.seq = 0
        self.readers: dict[Mailbox, Audience] = {}
        self._ring: deque[_Event] = deque(maxlen=RING)

    def publish(self, message: Message) -> None:
        self.seq += 1
        event = _Event(self.seq, message)
        self._ring.append(event)
        for mailbox, audience in self.readers.items():
            mailbox.event(self, event.seq, event.text(audience))

    def subscribe(self, mailbox: Mailbox, audience: Audience, since: int | None, epoch: str | None) -> None:
        self.readers[mailbox] = audience
        missed = self._missed(since, epoch)
        if missed is None:
            mailbox.answer(self, self.snapshot())
        else:
            data = "[" + ",".join(event.text(audience) for event in missed) + "]"
            mailbox.answer(self, self._message("resume", self.seq, data))

    def unsubscribe(self, mailbox: Mailbox) -> None:
        self.readers.pop(mailbox, None)
        mailbox.forget(self)

    def restart(self, epoch: str) -> None:
        """Events were lost: every reader starts again from the database."""
        self.epoch = epoch
        self._ring.clear()
        for mailbox in self.readers:
            mailbox.restart(self)

    def snapshot(self) -> str:
        """Where the stream stands; what there is to see is fetched: the database is the truth."""
        return self._message("snap", self.seq, "{}")

    def delta(self, seq: int, data: str) -> str:
        return self._message("d", seq, data)

    def _missed(self, since: int | None, epoch: str | None) -> Sequence[_Event] | None:
        if since is None or epoch != self.epoch or since > self.seq:
            return None
        missing = self.seq - since
        if missing > len(self._ring):
            return None
        return list(self._ring)[len(self._ring) - missing :]

    def _message(self, op: str, seq: int, data: str) -> str:
        return f'{{"op":"{op}","topic":"{self.name}","seq":{seq},"epoch":"{self.epoch}","data":{data}}}'


class ValueTopic:
    """The newest values of a site's or an asset's tags."""

    def __init__(self, name: str, epoch: str, live: Callable[[], Live | None]) -> None:
        self.name = name
        self.epoch = epoch
        self.seq = 0
        self.readers: set[Mailbox] = set()
        self._live = live
        self._plant: PlantModel | None = None
        self._tags: frozenset[int] = frozenset()

    def follow(self, plant: PlantModel) -> None:
        """Take the tags of the plant as it is configured now."""
        if plant is not self._plant:
            self._plant = plant
            self._tags = tags_of(self.name, plant)

    def publish(self, changed: Mapping[int, str]) -> None:
        """Tell the readers which of the changed tags (encoded) are ours."""
        entries = {tag: text for tag, text in changed.items() if tag in self._tags}
        if not entries:
            return
        self.seq += 1
        delta = ValuesDelta(self.seq, entries, self.delta(self.seq, encode_entries(entries)))
        for mailbox in self.readers:
            mailbox.values(self, delta)

    def subscribe(self, mailbox: Mailbox) -> None:
        self.readers.add(mailbox)
        mailbox.answer(self, self.snapshot())

    def unsubscribe(self, mailbox: Mailbox) -> None:
        self.readers.discard(mailbox)
        mailbox.forget(self)

    def snapshot(self) -> str:
        live = self._live()
        known = live.snapshot() if live is not None else {}
        mine = {tag: sample for tag, sample in known.items() if tag in self._tags}
        return self._message("snap", self.seq, encode_entries(encode_samples(mine)))

    def delta(self, seq: int, data: str) -> str:
        return self._message("d", seq, data)

    def _message(self, op: str, seq: int, data: str) -> str:
        return f'{{"op":"{op}","topic":"{self.name}","seq":{seq},"epoch":"{self.epoch}","data":{data}}}'


def encode_samples(samples: Mapping[int, Latest]) -> dict[int, str]:
    """``[value, ms, quality]`` as JSON by tag; no value is null; seven significant digits."""
    return {
        tag: f"[{value:.7g},{ms},{quality}]" if isfinite(value) else f"[null,{ms},{quality}]"
        for tag, (value, ms, quality) in samples.items()
    }


def tags_of(topic: str, plant: PlantModel) -> frozenset[int]:
    """The tags of ``v:site:<id>`` or ``v:asset:<id>``; empty when the plant has no such thing."""
    _, kind, number = topic.split(":")
    wanted = {int(number)}
    if kind == "site":
        wanted = {asset.id for asset in plant.assets if asset.site_id == int(number)}
    return frozenset(m.id for m in plant.mappings if m.asset_id in wanted)


def is_in_plant(topic: str, plant: PlantModel) -> bool:
    """Whether the site or asset of a value topic belongs to this plant."""
    _, kind, number = topic.split(":")
    if kind == "site":
        return any(site.id == int(number) for site in plant.sites)
    return plant.asset(int(number)) is not None
