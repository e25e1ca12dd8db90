"""What is shelved or in maintenance opens nothing, is stored and marked, and is heard again afterwards."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from optria.blackbox.recorder import Recorder
from optria.blackbox.returning import hear_the_critical, return_over
from optria.core.event import Event, Severity
from optria.core.incident import Anchor, Contribution
from optria.db.alarms import MaintenanceWindow, Shelving
from optria.db.blackbox import EventRow, IncidentRow
from optria.db.configuration import load_plant
from optria.db.plant import AssetRow
from optria.kit import clock
from tests.blackbox.conftest import SmallPlant

HOUR = timedelta(hours=1)


async def shelve(small: SmallPlant, **values: Any) -> int:
    now = clock.now()
    defaults: dict[str, Any] = {
        "tenant_id": small.tenant_id,
        "asset_id": small.pumps[0],
        "reason": "Known.",
        "includes_critical": False,
        "shelved_by": small.engineers[0],
        "shelved_at": now - HOUR,
        "until": now + HOUR,
    }
    async with small.database.transaction(small.tenant_id) as tx:
        row = Shelving(**defaults | values)
        tx.session.add(row)
        await tx.session.flush()
        return row.id


async def maintain(small: SmallPlant, **values: Any) -> int:
    now = clock.now()
    asset = small.plant.asset(small.pumps[0])
    assert asset is not None
    defaults: dict[str, Any] = {
        "tenant_id": small.tenant_id,
        "site_id": asset.site_id,
        "asset_ids": [asset.id],
        "starts_at": now - HOUR,
        "ends_at": now + HOUR,
        "reason": "Bearing exchange.",
        "learn_anew": False,
        "planned_by": small.engineers[0],
        "planned_at": now - HOUR,
    }
    async with small.database.transaction(small.tenant_id) as tx:
        row = MaintenanceWindow(**defaults | values)
        tx.session.add(row)
        await tx.session.flush()
        return row.id


async def take_off(small: SmallPlant, table: type[Shelving] | type[MaintenanceWindow]) -> None:
    """As a person does: it ends now."""
    async with small.database.transaction(small.tenant_id) as tx:
        await tx.session.execute(update(table).values(ended_at=clock.now(), ended_by=small.engineers[0]))


def anchor(asset_id: int, **values: Any) -> Anchor:
    defaults: dict[str, Any] = {
        "asset_id": asset_id,
        "time": clock.now(),
        "score": 2.0,
        "probability": 0.8,
        "contributions": (),
        "detector": "level",
    }
    return Anchor(**defaults | values)


def limit(small: SmallPlant, state: str = "crossed", severity: Severity = Severity.CRITICAL) -> Event:
    mapping = next(small.plant.mappings_of(small.pumps[0]))
    return Event(
        clock.now(),
        severity if state == "crossed" else Severity.INFO,
        "ALERT" if state == "crossed" else "SENSOR",
        f"{mapping.external_tag} is beyond its limit",
        small.pumps[0],
        source_id=f"{mapping.id}:high:7.1:CRITICAL:{state}",
        payload={"tag_id": mapping.id, "state": state},
    )


async def take(recorder: Recorder, small: SmallPlant, *said: Anchor | Event) -> None:
    for one in said:
        if isinstance(one, Anchor):
            recorder.anchor(small.tenant_id, one)
        else:
            recorder.event(small.tenant_id, one)
    await recorder.drain()


async def incidents(small: SmallPlant) -> int:
    async with small.database.transaction(small.tenant_id) as tx:
        return await tx.session.scalar(select(func.count()).select_from(IncidentRow)) or 0


async def keepers(small: SmallPlant) -> list[str | None]:
    async with small.database.transaction(small.tenant_id) as tx:
        rows = await tx.session.scalars(select(EventRow.suppressed_by).order_by(EventRow.ingest_time))
        return list(rows.all())


async def heard(small: SmallPlant) -> None:
    await return_over(small.database, lambda _: small.plant, small.watch)


async def test_a_shelved_asset_is_stored_marked_and_opens_nothing(small: SmallPlant) -> None:
    recorder, shelving = small.recorder(), await shelve(small)
    await take(recorder, small, anchor(small.pumps[0]), limit(small, severity=Severity.MAJOR))
    assert await incidents(small) == 0
    assert await keepers(small) == [f"shelving:{shelving}"] * 2
    await take(recorder, small, anchor(small.tank))
    assert await incidents(small) == 1


async def test_critical_comes_through_unless_it_is_shelved_too(small: SmallPlant) -> None:
    recorder = small.recorder()
    await shelve(small)
    await take(recorder, small, limit(small))
    assert await incidents(small) == 1


async def test_an_administrator_shelves_critical_too(small: SmallPlant) -> None:
    shelving = await shelve(small, includes_critical=True)
    await take(small.recorder(), small, limit(small))
    assert await incidents(small) == 0
    assert await keepers(small) == [f"shelving:{shelving}"]


async def test_one_shelved_signal_leaves_the_others(small: SmallPlant) -> None:
    one, other = (mapping.id for mapping in small.plant.mappings_of(small.pumps[0]))
    await shelve(small, mapping_id=one)
    recorder = small.recorder()
    await take(recorder, small, anchor(small.pumps[0], contributions=(Contribution(one, 2.0),)))
    assert await incidents(small) == 0
    await take(recorder, small, anchor(small.pumps[0], contributions=(Contribution(other, 2.0),)))
    assert await incidents(small) == 1


async def test_what_goes_on_when_the_time_is_over_opens_its_incident(small: SmallPlant) -> None:
    recorder = small.recorder()
    await shelve(small, until=clock.now() + timedelta(seconds=0.3))
    deviation = anchor(small.pumps[0])
    await take(recorder, small, deviation)
    small.watch.active.add(small.pumps[0])
    small.watch.anchors[small.pumps[0]] = deviation
    await heard(small)
    assert await incidents(small) == 0, "its time is not over"
    async with small.database.transaction(small.tenant_id) as tx:
        await tx.session.execute(update(Shelving).values(until=clock.now()))
    await heard(small)
    await heard(small)
    assert await incidents(small) == 1


async def test_what_was_taken_off_the_shelf_and_is_over_opens_nothing(small: SmallPlant) -> None:
    recorder = small.recorder()
    await shelve(small, includes_critical=True)
    await take(recorder, small, anchor(small.pumps[0]), limit(small), limit(small, "returned"))
    await take_off(small, Shelving)
    await heard(small)
    assert await incidents(small) == 0


async def test_a_critical_limit_that_is_still_crossed_returns(small: SmallPlant) -> None:
    await shelve(small, includes_critical=True)
    await take(small.recorder(), small, limit(small))
    await take_off(small, Shelving)
    await heard(small)
    assert await incidents(small) == 1


async def test_what_grows_critical_on_the_shelf_comes_off_it(small: SmallPlant) -> None:
    async with small.database.transaction(small.tenant_id) as tx:
        await tx.session.execute(update(AssetRow).values(criticality="critical"))
    async with small.database.transaction(small.tenant_id) as tx:
        small.plant = await load_plant(tx, small.tenant_id)
    await shelve(small)
    pump = small.pumps[0]
    small.watch.anchors[pump] = anchor(pump)
    await hear_the_critical(small.database, lambda _: small.plant, small.watch)
    assert await incidents(small) == 0
    small.watch.probabilities[pump] = 0.99
    for _ in range(2):
        await hear_the_critical(small.database, lambda _: small.plant, small.watch)
    assert await incidents(small) == 1


@pytest.mark.parametrize("said", ["anchor", "critical limit"])
async def test_maintenance_holds_back_everything(small: SmallPlant, said: str) -> None:
    window = await maintain(small)
    await take(small.recorder(), small, anchor(small.pumps[0]) if said == "anchor" else limit(small))
    assert await incidents(small) == 0
    assert await keepers(small) == [f"maintenance:{window}"]


async def test_a_window_of_the_whole_site_holds_back_every_asset_of_it(small: SmallPlant) -> None:
    await maintain(small, asset_ids=[])
    await take(small.recorder(), small, anchor(small.tank), anchor(small.pumps[2]))
    assert await incidents(small) == 0


async def test_what_comes_before_or_after_the_window_is_heard(small: SmallPlant) -> None:
    await maintain(small, starts_at=clock.now() + HOUR, ends_at=clock.now() + 2 * HOUR)
    await take(small.recorder(), small, anchor(small.pumps[0]))
    assert await incidents(small) == 1


async def test_after_maintenance_the_detectors_learn_anew_and_a_crossed_limit_is_heard(
    small: SmallPlant,
) -> None:
    await maintain(small, learn_anew=True)
    await take(small.recorder(), small, limit(small), anchor(small.pumps[0]))
    small.watch.anchors[small.pumps[0]] = anchor(small.pumps[0])
    await take_off(small, MaintenanceWindow)
    async with small.database.bus.subscribe() as messages:
        await heard(small)
        told = [await messages.get()]
        while told[-1].topic != "baselines":
            told.append(await messages.get())
    assert told[-1].asset_id == small.pumps[0]
    assert await incidents(small) == 1


async def test_a_window_called_off_before_it_began_changes_nothing(small: SmallPlant) -> None:
    await maintain(small, starts_at=clock.now() + HOUR, ends_at=clock.now() + 2 * HOUR, learn_anew=True)
    await take_off(small, MaintenanceWindow)
    small.watch.anchors[small.pumps[0]] = anchor(small.pumps[0])
    await heard(small)
    assert await incidents(small) == 0
