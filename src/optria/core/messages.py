"""What the inside tells the screens, and itself, after a commit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Topic = Literal["incidents", "workorders", "notify", "rca", "configuration", "sessions", "baselines"]
"""The first four reach the screens. ``configuration`` has the running plant read anew, ``sessions`` ends the
open sockets of ``user_id``, ``baselines`` has the running stream learn ``asset_id`` anew."""


@dataclass(frozen=True, slots=True)
class Message:
    """A change to announce on event topic ``e:<topic>``.

    ``kind`` is past tense (``incident_opened``, ``analysis_stored``, ``work_order_created``,
    ``work_order_moved``, ``notified``). ``user_id`` limits it to one user,
    ``asset_id`` names the asset concerned. ``data`` must be JSON.
    """

    tenant_id: int
    topic: Topic
    kind: str
    entity_id: str
    asset_id: int | None = None
    user_id: int | None = None
    data: Mapping[str, object] = field(default_factory=dict)
