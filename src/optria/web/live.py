"""The hub: tells every open screen what changed, in the frames of the live protocol.

Values are gathered per tenant each tick and encoded once; events come from the bus after the commit.
"""

import asyncio
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Final

import structlog
from fastapi import WebSocket
from sqlalchemy.exc import SQLAlchemyError

from optria.core.errors import OptriaError
from optria.core.messages import Message
from optria.core.roles import Permission, can
from optria.streams.live import Live
from optria.web import sessions
from optria.web.connection import MALFORMED, SIGNED_OUT, TRY_LATER, Connection, LeaveError, Timing, close
from optria.web.deps import SOCKET, language_of, token_of
from optria.web.mailbox import Mailbox
from optria.web.routing import api_router
from optria.web.services import Services
from optria.web.sessions import Viewer, find_viewer
from optria.web.topics import (
    EVENT_TOPICS,
    EventTopic,
    ValueTopic,
    audience_of,
    encode_samples,
    is_in_plant,
)

log = structlog.get_logger(__name__)
router = api_router()

MAX_TOPICS: Final = 64
"""Topics that one connection may follow."""
VALUE_TOPIC: Final = re.compile(r"v:(site|asset):[1-9][0-9]{0,9}")

EventKey = tuple[str, int | None]
"""The topic, and the tenant (None: every tenant) or, of ``e:notify``, the user."""


@dataclass(eq=False, slots=True)
class _Client:
    viewer: Viewer
    mailbox: Mailbox = field(default_factory=Mailbox)
    topics: dict[str, EventTopic | ValueTopic] = field(default_factory=dict)


class Hub:
    """Every open screen of this process and the topics they follow.

    ``run`` must be kept running; after a restart of it every screen is told to fetch anew.
    """

    def __init__(self, services: Services, timing: Timing | None = None) -> None:
        self._services = services
        self._timing = timing or Timing()
        self._epoch = _new_epoch()
        self._events: dict[EventKey, EventTopic] = {}
        self._values: dict[tuple[int, str], ValueTopic] = {}
        self._versions: dict[int, int] = {}
        self._connections: dict[Connection, Viewer] = {}
        self._frames = 0
        self._refused = 0
        self._overflows = 0

    def stats(self) -> Mapping[str, int]:
        """Counts for the health pages."""
        return {
            "connections": len(self._connections),
            "topics": len(self._events) + len(self._values),
            "frames_sent": self._frames + sum(each.frames_sent for each in self._connections),
            "connections_refused": self._refused,
            "overflows": self._overflows + sum(each.overflows for each in self._connections),
        }

    async def run(self) -> None:
        """Carry messages and values to the screens until cancelled."""
        async with self._services.bus.subscribe() as subscription:
            self._restart_events()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._tick_forever())
                while True:
                    message = await subscription.get()
                    if subscription.take_overflow():
                        self._restart_events()
                    self.publish(message)

    def publish(self, message: Message) -> None:
        """Number an event and lay it into the mailboxes of those it concerns; close the sockets of sessions
        that have ended."""
        if message.topic == "sessions":
            self._end_sessions(message)
            return
        name = f"e:{message.topic}"
        if name not in EVENT_TOPICS:
            return
        if name == "e:notify":
            self._event_topic((name, message.user_id)).publish(message)
            return
        self._event_topic((name, message.tenant_id)).publish(message)
        self._event_topic((name, None)).publish(message)

    def _end_sessions(self, message: Message) -> None:
        ended = sessions.ended_in(message)
        for connection, viewer in self._connections.items():
            if str(viewer.session_id) in ended:
                connection.end_session()

    def _is_full_for(self, viewer: Viewer) -> bool:
        """Whether there are too many sockets, of all people or of this one."""
        own = sum(other.user_id == viewer.user_id for other in self._connections.values())
        return len(self._connections) >= self._timing.max_connections or own >= self._timing.max_per_user

    async def talk(self, socket: WebSocket, viewer: Viewer) -> None:
        """Serve one accepted socket until either side leaves."""
        if self._is_full_for(viewer):
            self._refused += 1
            await close(socket, TRY_LATER)
            return
        client = _Client(viewer)
        is_welcome = partial(self._is_welcome, viewer, token_of(socket) or "", language_of(socket))
        connection = Connection(
            socket, client.mailbox, self._timing, partial(self._heard, client), is_welcome
        )
        self._connections[connection] = viewer
        try:
            await connection.run()
        finally:
            del self._connections[connection]
            self._frames += connection.frames_sent
            self._overflows += connection.overflows
            self._leave(client)

    async def _is_welcome(self, viewer: Viewer, token: str, language: str) -> bool:
        """Whether the session still holds with the same role; an open screen counts as use of it.

        While the database is away nobody is sent off.
        """
        try:
            found = await find_viewer(self._services.database, self._services.settings, token, language)
        except (SQLAlchemyError, OptriaError, OSError) as error:
            log.info("session_not_checked", error=type(error).__name__)
            return True
        return found is not None and (found.role, found.tenant_id) == (viewer.role, viewer.tenant_id)

    def _heard(self, client: _Client, asked: Mapping[str, object]) -> None:
        topic, number = asked.get("topic"), asked.get("n")
        match asked.get("op"):
            case "ack" if isinstance(number, int):
                client.mailbox.acknowledge(number)
            case "unsub" if isinstance(topic, str):
                self._unsubscribe(client, topic)
            case "sub" if isinstance(topic, str):
                self._subscribe(client, topic, asked)
            case _:
                raise LeaveError(MALFORMED)

    def _subscribe(self, client: _Client, name: str, asked: Mapping[str, object]) -> None:
        """Silently nothing when the role, the tenant or the plant does not allow it."""
        if name not in client.topics and len(client.topics) >= MAX_TOPICS:
            return
        if name in EVENT_TOPICS and can(client.viewer.role, EVENT_TOPICS[name]):
            events = self._event_topic(_event_key(name, client.viewer))
            client.topics[name] = events
            since, epoch = asked.get("since"), asked.get("epoch")
            events.subscribe(
                client.mailbox,
                audience_of(client.viewer.role, name),
                since if isinstance(since, int) else None,
                epoch if isinstance(epoch, str) else None,
            )
        elif VALUE_TOPIC.fullmatch(name) and can(client.viewer.role, Permission.VIEW_TWIN):
            values = self._value_topic(client.viewer, name)
            if values is not None:
                client.topics[name] = values
                values.subscribe(client.mailbox)

    def _unsubscribe(self, client: _Client, name: str) -> None:
        topic = client.topics.pop(name, None)
        if topic is None:
            return
        topic.unsubscribe(client.mailbox)
        if isinstance(topic, ValueTopic) and not topic.readers:
            self._values = {key: kept for key, kept in self._values.items() if kept is not topic}

    def _leave(self, client: _Client) -> None:
        for name in list(client.topics):
            self._unsubscribe(client, name)

    def _event_topic(self, key: EventKey) -> EventTopic:
        if key not in self._events:
            self._events[key] = EventTopic(key[0], self._epoch)
        return self._events[key]

    def _value_topic(self, viewer: Viewer, name: str) -> ValueTopic | None:
        tenants = [viewer.tenant_id] if viewer.tenant_id is not None else list(self._services.pipelines)
        for tenant_id in tenants:
            plant = self._services.plants(tenant_id)
            if not is_in_plant(name, plant):
                continue
            fresh = ValueTopic(name, self._epoch, partial(self._live, tenant_id))
            topic = self._values.setdefault((tenant_id, name), fresh)
            topic.follow(plant)
            return topic
        return None

    def _live(self, tenant_id: int) -> Live | None:
        pipeline = self._services.pipelines.get(tenant_id)
        return pipeline.live if pipeline is not None else None

    async def _tick_forever(self) -> None:
        while True:
            await asyncio.sleep(self._timing.tick_s)
            self.tick()

    def tick(self) -> None:
        """Send the values that changed since the last tick, tenant by tenant."""
        for tenant_id in {tenant_id for tenant_id, _ in self._values}:
            live = self._live(tenant_id)
            if live is None:
                continue
            plant = self._services.plants(tenant_id)
            version, changed = live.changed_since(self._versions.get(tenant_id, 0))
            self._versions[tenant_id] = version
            encoded = encode_samples(changed)
            for (owner, _), topic in self._values.items():
                if owner == tenant_id:
                    topic.follow(plant)
                    topic.publish(encoded)

    def _restart_events(self) -> None:
        self._epoch = _new_epoch()
        for topic in self._events.values():
            topic.restart(self._epoch)


def _new_epoch() -> str:
    return secrets.token_hex(4)


def _event_key(name: str, viewer: Viewer) -> EventKey:
    return (name, viewer.user_id if name == "e:notify" else viewer.tenant_id)


@router.websocket("/ws")
async def live(socket: WebSocket, viewer: Annotated[Viewer | None, SOCKET]) -> None:
    await socket.accept()
    if viewer is None:
        await close(socket, SIGNED_OUT)
        return
    hub: Hub = socket.app.state.hub
    await hub.talk(socket, viewer)
