"""The mapped signals of assets with their newest values, and where they come from."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from optria.core.asset import PlantModel
from optria.core.tag import SignalMapping
from optria.web.assets.asset_views import Found
from optria.web.assets.readings import Reading, latest_readings, reading_json
from optria.web.services import Services

SOURCE_KEYS: Final = {"opcua": "opcua", "pi": "pi", "sql": "external_sql", "demo": "demo"}
"""Integration type to v1's key of a data source."""


class Signals:
    """The mapped signals of one asset with their newest values."""

    def __init__(
        self, mappings: Sequence[SignalMapping], readings: Mapping[int, Reading], types: Mapping[int, str]
    ) -> None:
        self.mappings = mappings
        self.readings = readings
        self.types = types

    @property
    def sources(self) -> dict[str, bool]:
        found = {self.types.get(m.integration_id, "") for m in self.mappings}
        return {key: kind in found for kind, key in SOURCE_KEYS.items()}

    @property
    def values(self) -> dict[str, Mapping[str, object]]:
        known = ((m, self.readings.get(m.id)) for m in self.mappings)
        return {m.metric: reading_json(reading, m) for m, reading in known if reading is not None}

    @property
    def last_updated(self) -> datetime | None:
        return max((self.readings[m.id].time for m in self.mappings if m.id in self.readings), default=None)

    def data_status(self, now: datetime) -> str:
        """live, demo (live from the demo generator) or disconnected."""
        for m in self.mappings:
            reading = self.readings.get(m.id)
            if reading is not None and reading.is_fresh(m.scan_s, now):
                return "demo" if self.types.get(m.integration_id) == "demo" else "live"
        return "disconnected"


def signals_of(
    services: Services, rows: Sequence[Found], plants: Mapping[int, PlantModel], types: Mapping[int, str]
) -> dict[int, Signals]:
    """The signals of each asset by its id; one look at the live values per tenant."""
    by_asset: dict[int, list[SignalMapping]] = {row.id: [] for row, _, _ in rows}
    readings: dict[int, Reading] = {}
    for tenant_id, plant in plants.items():
        mine = [m for m in plant.mappings if m.asset_id in by_asset]
        readings |= latest_readings(services, tenant_id, [m.id for m in mine])
        for m in mine:
            by_asset[m.asset_id].append(m)
    return {asset_id: Signals(found, readings, types) for asset_id, found in by_asset.items()}
