"""Whoever is told what the streams see."""

from typing import Protocol

from optria.blackbox.inbox import Inbox
from optria.core.event import Event
from optria.core.incident import Anchor
from optria.streams.late import Late


class Listener(Protocol):
    """The Recorder, or a partition. Nothing of it waits; ``inbox`` holds what is not committed yet."""

    inbox: Inbox

    def anchor(self, tenant_id: int, anchor: Anchor, *, once: bool = False) -> None: ...

    def event(self, tenant_id: int, event: Event) -> None: ...

    def late(self, tenant_id: int, late: Late) -> None: ...
