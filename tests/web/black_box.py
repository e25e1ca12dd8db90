"""A house whose Black Box is the real one, reading the samples that a test puts into the stream."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
from sqlalchemy import select

from optria.blackbox.recorder import Recorder
from optria.core.incident import Anchor, Contribution
from optria.core.tag import Quality, Sample, SignalMapping
from optria.db.blackbox import IncidentRow
from optria.db.plant import CostReference
from optria.db.session import Tx
from optria.db.starting_rules import starting_rules
from optria.kit import clock
from optria.rca.case import Series
from optria.web.server import create_app
from tests.web.house import House, Household


class Memory:
    """The sensors and the detectors of a house: what its streams hold, and nothing deviates any more."""

    def __init__(self, households: Sequence[Household]) -> None:
        self._recent = {household.tenant.id: household.stream.recent for household in households}

    async def read(
        self, tx: Tx, mappings: Sequence[SignalMapping], start: datetime, end: datetime
    ) -> tuple[Series, ...]:
        recent = self._recent[tx.tenant_id or 0]
        windows = [(mapping, recent.window(mapping.id, start, end)) for mapping in mappings]
        return tuple(Series(m, w.time, w.value, w.quality) for m, w in windows)

    def is_active(self, tenant_id: int, asset_id: int) -> bool:
        return False

    def probability(self, tenant_id: int, asset_id: int) -> float:
        return 0.0

    def seen(self, tenant_id: int, asset_id: int) -> Anchor | None:
        return None


def install(house: House) -> Recorder:
    """Give the house the real recorder instead of its stand-in."""
    memory = Memory((house.own, house.other))
    recorder = Recorder(house.database, house.services.plants, memory, memory)
    house.services = replace(house.services, recorder=recorder)
    house.app = create_app(house.services)
    return recorder


def vibrate(house: House, minutes: int = 8, last: float = 8.5) -> None:
    """Vibration of the own asset: quiet, then rising to ``last`` over the last two minutes."""
    count = minutes * 60
    noise = np.random.default_rng(7).normal(0, 0.05, count)
    values = 2.2 + noise
    values[-120:] += np.linspace(0, last - 2.2, 120)
    now = clock.now()
    house.own.stream.put(
        *(
            Sample(house.own.vibration.id, now - timedelta(seconds=count - i), float(v), Quality.GOOD)
            for i, v in enumerate(values)
        )
    )


async def priced(house: House) -> None:
    """The client's approved cost of an hour of downtime of the own asset."""
    async with house.database.transaction(house.own.tenant.id) as tx:
        tx.session.add(
            CostReference(
                tenant_id=house.own.tenant.id,
                asset_id=house.own.asset.id,
                cost_per_hour=Decimal(8000),
                currency="SAR",
                source="approved",
            )
        )


async def ruled(house: House) -> None:
    """The causal rules that a tenant begins with."""
    async with house.database.transaction(house.own.tenant.id) as tx:
        tx.session.add_all(starting_rules(house.own.tenant.id))


async def detected(house: House, recorder: Recorder, probability: float = 0.95) -> IncidentRow:
    """An incident of the own asset as the detectors would anchor it, analysed and ordered."""
    anchor = Anchor(
        house.own.asset.id,
        clock.now() - timedelta(seconds=90),
        2.0,
        probability,
        (Contribution(house.own.vibration.id, 3.0),),
        "level",
    )
    recorder.anchor(house.own.tenant.id, anchor)
    await recorder.drain()
    await recorder.do_due()
    async with house.database.transaction(house.own.tenant.id) as tx:
        return await _latest(tx)


async def failing_pump(house: House) -> IncidentRow:
    """An incident of the own asset and all that an analysis goes by: costs, rules and samples."""
    await priced(house)
    await ruled(house)
    vibrate(house)
    return await detected(house, install(house))


async def _latest(tx: Tx) -> IncidentRow:
    query = select(IncidentRow).order_by(IncidentRow.created_at.desc()).limit(1)
    return (await tx.session.scalars(query)).one()
