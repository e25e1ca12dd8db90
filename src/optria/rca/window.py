"""How far around the anchor an analysis looks."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from optria.core.event import EventWindow

DEFAULT_MINUTES = 30.0


@dataclass(frozen=True, slots=True)
class WindowSetting:
    """Minutes before and after the anchor; ``asset_type`` None holds for the whole tenant."""

    before_minutes: float = DEFAULT_MINUTES
    after_minutes: float = DEFAULT_MINUTES
    asset_type: str | None = None


def window_around(anchor: datetime, asset_type: str, settings: Iterable[WindowSetting] = ()) -> EventWindow:
    """The closed window of an anchor: the setting of the asset type, else of the tenant, else ±30 min."""
    chosen = {None if s.asset_type is None else s.asset_type.casefold(): s for s in settings}
    setting = chosen.get(asset_type.casefold()) or chosen.get(None) or WindowSetting()
    before, after = timedelta(minutes=setting.before_minutes), timedelta(minutes=setting.after_minutes)
    return EventWindow.around(anchor, before, after)
