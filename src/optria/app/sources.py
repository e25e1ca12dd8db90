"""The connections of the tenants: one supervised connector each, feeding its tenant's stream."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from optria.connectors import CONNECTORS
from optria.connectors.base import Connector, Link, LinkState
from optria.core.asset import PlantModel
from optria.core.errors import ConfigurationError, OptriaError
from optria.core.tag import SignalMapping, from_micros
from optria.db.plant import Integration
from optria.db.session import Database
from optria.kit import clock
from optria.kit.settings import Settings
from optria.streams.pipeline import Pipeline


class Source:
    """One connection. Its connector is made anew for every try, its link state stays."""

    def __init__(
        self, row: Integration, mappings: Sequence[SignalMapping], pipeline: Pipeline, settings: Settings
    ) -> None:
        self.integration_id, self.name = row.id, row.name
        self.tenant_id = row.tenant_id
        self._kind, self._config = row.integration_type, dict(row.config)
        self._mappings = mappings
        self._pipeline = pipeline
        self._backfill = timedelta(minutes=settings.backfill_minutes)
        self._home = settings.home_folder
        self._link = Link(tags=len(mappings))

    @property
    def state(self) -> str:
        return self._link.state.value

    @property
    def rate(self) -> float:
        return self._link.rate if self._link.state is LinkState.CONNECTED else 0.0

    @property
    def lag_s(self) -> float | None:
        return self._link.lag_s

    @property
    def last_error(self) -> str | None:
        return self._link.last_error if self._link.state is not LinkState.CONNECTED else None

    @property
    def tags(self) -> int:
        return self._link.tags

    async def run(self) -> None:
        """Connect and feed the stream until something fails, which it says and raises."""
        try:
            connector = self._connector()
            self._link = connector.link
            await connector.run(self._mappings, self._pipeline.ingest, self._since())
        except OptriaError as error:
            self._link.lost(str(error))
            raise
        finally:
            if self._link.state is not LinkState.LOST:
                self._link.lost("The connection ended unexpectedly; it is tried again.")

    def _connector(self) -> Connector:
        make = CONNECTORS.get(self._kind)
        if make is None:
            raise ConfigurationError(f"'{self._kind}' is no kind of connection. Use {', '.join(CONNECTORS)}.")
        return make(self._config, self._home)

    def _since(self) -> datetime:
        """Where history is to be taken up: after the newest sample known, at most the backfill back."""
        earliest = clock.now() - self._backfill
        known = [self._pipeline.live.latest(mapping.id) for mapping in self._mappings]
        newest = max((latest[1] for latest in known if latest is not None), default=0)
        return max(earliest, from_micros(int(newest * 1000)))


async def load_sources(
    database: Database, plant: PlantModel, pipeline: Pipeline, settings: Settings
) -> list[Source]:
    """The active connections of a tenant that have mapped signals."""
    async with database.transaction(plant.tenant_id) as tx:
        statement = select(Integration).where(Integration.is_active.is_not(False)).order_by(Integration.id)
        rows = (await tx.session.execute(statement)).scalars().all()
    mapped = {row.id: [m for m in plant.mappings if m.integration_id == row.id] for row in rows}
    return [Source(row, mapped[row.id], pipeline, settings) for row in rows if mapped[row.id]]
