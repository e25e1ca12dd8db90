"""What waits for one browser: bounded, values merged per tag, events never dropped silently."""

import asyncio
from dataclasses import dataclass, field
from typing import Final, Protocol

MAX_UNACKNOWLEDGED: Final = 2
MAX_WAITING_EVENTS: Final = 256


class Topic(Protocol):
    """What a mailbox needs of a topic to write its messages; texts are JSON."""

    @property
    def name(self) -> str: ...
    def snapshot(self) -> str:
        """The message that lets a client start from nothing."""
        ...

    def delta(self, seq: int, data: str) -> str:
        """A message with ``data`` (JSON) that brings a client to ``seq``."""
        ...


@dataclass(frozen=True, slots=True)
class ValuesDelta:
    """The tags of a topic that changed in one tick; ``entries`` and ``text`` are encoded once."""

    seq: int
    entries: dict[int, str]
    text: str


@dataclass(slots=True)
class _Waiting:
    """What one topic still has to say, in this order: answer, then values or events."""

    answer: str | None = None
    delta: ValuesDelta | None = None
    merged: dict[int, str] | None = None
    events: list[str] = field(default_factory=list)
    seq: int = 0
    overflowed: bool = False


def encode_entries(entries: dict[int, str]) -> str:
    """``{"12":[value,ms,quality],…}`` of encoded entries by tag."""
    return "{" + ",".join(f'"{tag}":{entry}' for tag, entry in entries.items()) + "}"


class Mailbox:
    """The messages of one connection, in the order of the topics that spoke first.

    At most two frames are on their way without an acknowledgement. Meanwhile values merge per tag, and
    more than 256 waiting events of a topic become one fresh snapshot.
    """

    def __init__(self) -> None:
        self._waiting: dict[Topic, _Waiting] = {}
        self._news = asyncio.Event()
        self._sent = 0
        self._acknowledged = 0
        self.overflows = 0
        """How often waiting events became a snapshot, because there were too many."""

    def answer(self, topic: Topic, text: str) -> None:
        """The reply to a subscription; it replaces whatever waited for the topic."""
        self._waiting[topic] = _Waiting(answer=text)
        self._news.set()

    def values(self, topic: Topic, delta: ValuesDelta) -> None:
        waiting = self._waiting.setdefault(topic, _Waiting())
        if waiting.delta is not None:
            if waiting.merged is None:
                waiting.merged = dict(waiting.delta.entries)
            waiting.merged |= delta.entries
        waiting.delta = delta
        self._news.set()

    def event(self, topic: Topic, seq: int, text: str) -> None:
        waiting = self._waiting.setdefault(topic, _Waiting())
        if waiting.overflowed:
            return
        waiting.events.append(text)
        waiting.seq = seq
        if len(waiting.events) > MAX_WAITING_EVENTS:
            self.overflows += 1
            self._waiting[topic] = _Waiting(overflowed=True)
        self._news.set()

    def restart(self, topic: Topic) -> None:
        """Make the client start again from a snapshot of the topic."""
        self._waiting[topic] = _Waiting(overflowed=True)
        self._news.set()

    def forget(self, topic: Topic) -> None:
        self._waiting.pop(topic, None)

    def acknowledge(self, number: int) -> None:
        """The client has worked off the frames up to ``number``."""
        self._acknowledged = min(max(self._acknowledged, number), self._sent)
        self._news.set()

    @property
    def unacknowledged(self) -> int:
        return self._sent - self._acknowledged

    async def news(self) -> None:
        """Wait until :meth:`take` may have something new."""
        await self._news.wait()

    def take(self) -> str | None:
        """The next frame with everything that waits; None when nothing does, or too much is on its way."""
        self._news.clear()
        if not self._waiting or self.unacknowledged >= MAX_UNACKNOWLEDGED:
            return None
        waiting, self._waiting = self._waiting, {}
        self._sent += 1
        messages = [f'{{"op":"n","n":{self._sent}}}']
        for topic, parts in waiting.items():
            messages += _messages(topic, parts)
        return "[" + ",".join(messages) + "]"


def _messages(topic: Topic, waiting: _Waiting) -> list[str]:
    if waiting.overflowed:
        return [topic.snapshot()]
    messages = [waiting.answer] if waiting.answer is not None else []
    if waiting.merged is not None and waiting.delta is not None:
        messages.append(topic.delta(waiting.delta.seq, encode_entries(waiting.merged)))
    elif waiting.delta is not None:
        messages.append(waiting.delta.text)
    if waiting.events:
        messages.append(topic.delta(waiting.seq, "[" + ",".join(waiting.events) + "]"))
    return messages
