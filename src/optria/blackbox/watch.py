"""What the Black Box asks of the detectors."""

from typing import Protocol

from optria.core.incident import Anchor


class Watch(Protocol):
    """What the detectors think of an asset right now."""

    def is_active(self, tenant_id: int, asset_id: int) -> bool:
        """Whether it still deviates."""

    def probability(self, tenant_id: int, asset_id: int) -> float:
        """The calibrated P(fault) now."""

    def seen(self, tenant_id: int, asset_id: int) -> Anchor | None:
        """The anchor of the deviation that goes on, if one does."""
