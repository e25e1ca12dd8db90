"""Five closed orders change the next analysis of the same fault, and the scoreboard: before and after.

Run `python -m benchmarks.loop_closes [--kind misalignment] [--cause "Coupling Worn"]`. A pump of the
simulated plant has the same fault six times, days apart, with drawn severities and seeds. Five times people
complete the order and say what they found: a cause that no rule knows. The sixth is analysed without and
with what those orders taught. Incidents, orders, what was learned and the scoreboard are rows of a real
database, written by the code that serves the product.
"""

import argparse
import asyncio
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from benchmarks.causes_on_simulator import run_of
from optria.blackbox import calibrating, feedback, incidents, quality
from optria.blackbox.case_loader import load_case
from optria.blackbox.passes import run_pass
from optria.core.asset import PlantModel
from optria.core.incident import Analysis, Anchor
from optria.core.roles import Role
from optria.core.tag import SignalMapping, to_micros
from optria.core.work_order import WorkOrderStatus
from optria.db.blackbox import IncidentRow, RcaRule
from optria.db.configuration import load_plant
from optria.db.embedded import embedded_server
from optria.db.identity import Tenant, User
from optria.db.plant import AssetRow, DowntimeReference, Integration, MappingRow, SiteRow
from optria.db.plant import CostReference as CostRow
from optria.db.roles import app_url
from optria.db.session import Database, Tx
from optria.db.starting_rules import read_rules
from optria.db.upgrade import upgrade
from optria.db.work import WorkOrderRow
from optria.rca.case import Case, Series
from optria.rca.engine import analyse
from optria.rca.scoreboard import Scoreboard, score
from optria.simulator.catalogue import CATALOGUE
from optria.work import orders

ASSET = "P-102B"
TIMES = 6
APART = timedelta(days=5)
DOWNTIME_H = (5.0, 6.5, 7.0, 8.0, 11.0)


@dataclass(frozen=True, slots=True)
class Loop:
    """The sixth analysis without and with what five orders taught, and the scoreboard before and after."""

    before: Analysis
    after: Analysis
    board_before: Scoreboard
    board_after: Scoreboard
    factor: float
    downtime: str


@dataclass(slots=True)
class Recorded:
    """The pump's tags as the simulated runs recorded them; ``strikes`` are anchor and samples of each."""

    strikes: list[tuple[datetime, tuple[Series, ...]]]

    async def read(
        self, tx: Tx, mappings: Sequence[SignalMapping], start: datetime, end: datetime
    ) -> tuple[Series, ...]:
        """Samples of the run whose anchor lies in the span."""
        series = next((found for anchor, found in self.strikes if start <= anchor <= end), ())
        by_tag = {one.mapping.external_tag: one for one in series}
        found = [(m, by_tag[m.external_tag]) for m in mappings if m.external_tag in by_tag]
        return tuple(_between(replace(one, mapping=m), start, end) for m, one in found)


def _between(series: Series, start: datetime, end: datetime) -> Series:
    kept = (series.time >= to_micros(start)) & (series.time <= to_micros(end))
    return replace(series, time=series.time[kept], value=series.value[kept], quality=series.quality[kept])


async def loop_closes(
    database: Database, kind: str = "misalignment", cause: str = "Coupling Worn", seed: int = 7
) -> Loop:
    """Close five orders of the same fault and look at the sixth."""
    tenant_id, engineer_id = await _install(database)
    async with database.transaction(tenant_id) as tx:
        plant = await load_plant(tx, tenant_id)
    anchors, sensors = _strikes(plant, kind, random.Random(seed))
    board_before = await _board(database, tenant_id)
    for anchor, downtime_h in zip(anchors[:-1], DOWNTIME_H, strict=True):
        await _work_off(database, plant, sensors, anchor, engineer_id, cause, downtime_h)
    async with database.transaction(tenant_id) as tx:
        opened = await incidents.open_incident(tx, plant, anchors[-1], at=anchors[-1].time)
        case = await load_case(tx, opened.incident, plant, sensors)
        factor = await calibrating.factor(tx, tenant_id)
    board_after = await _board(database, tenant_id)
    after = analyse(case)
    return Loop(analyse(_untaught(case)), after, board_before, board_after, factor, _downtime(case))


def _untaught(case: Case) -> Case:
    """The same case as if no order had ever been completed."""
    return replace(case, history=(), maintenance=(), downtime_history=(), calibration=1.0)


async def _board(database: Database, tenant_id: int) -> Scoreboard:
    async with database.transaction(tenant_id) as tx:
        return score(await quality.verdicts(tx))


def _strikes(plant: PlantModel, kind: str, rng: random.Random) -> tuple[list[Anchor], Recorded]:
    """Six runs of the fault, moved in time so that they lie days apart and the last one is long over."""
    asset = next(a for a in plant.assets if a.code == ASSET)
    tags = {mapping.external_tag: mapping.id for mapping in plant.mappings}
    last = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    anchors, strikes = [], []
    for back in reversed(range(TIMES)):
        case = run_of(kind, ASSET, rng.uniform(0.5, 0.9), rng.randrange(10**6)).case
        at = last - back * APART
        shift_us = to_micros(at) - to_micros(case.anchor.time)
        own = tuple(replace(s, time=s.time + shift_us) for s in case.series if s.mapping.external_tag in tags)
        names = {s.mapping.id: s.mapping.external_tag for s in case.series}
        moved = tuple(
            replace(c, tag=tags[names[c.tag]], first_onset=at)
            for c in case.anchor.contributions
            if c.tag in names
        )
        anchors.append(Anchor(asset.id, at, 1.5, 0.9, moved, "benchmark"))
        strikes.append((at, own))
    return anchors, Recorded(strikes)


async def _work_off(
    database: Database,
    plant: PlantModel,
    sensors: Recorded,
    anchor: Anchor,
    engineer_id: int,
    cause: str,
    downtime_h: float,
) -> None:
    """An incident, its order, the work, and what was found: as the routes do it."""
    async with database.transaction(plant.tenant_id) as tx:
        opened = await incidents.open_incident(tx, plant, anchor, at=anchor.time)
        done = await run_pass(tx, opened.incident, plant, sensors)
        if done.ordered is None:
            raise RuntimeError("The incident made no order, so there is nothing to learn from.")
        order_id, incident_id = done.ordered.order.id, opened.incident.id
    async with database.transaction(plant.tenant_id) as tx:
        order = await tx.session.get_one(WorkOrderRow, order_id)
        held = await feedback.lock_incidents_of(tx, order)
        await orders.complete(tx, order, engineer_id, Decimal(4), cause, Decimal(str(downtime_h)))
        order.started_at, order.completed_at = (
            anchor.time + timedelta(hours=1),
            anchor.time + timedelta(hours=9),
        )
        await feedback.learn(tx, held, order, engineer_id)
        await orders.move(tx, order, WorkOrderStatus.CLOSED, engineer_id)
        await feedback.resolve(tx, held, engineer_id)
    async with database.transaction(plant.tenant_id) as tx:
        row = await tx.session.get_one(IncidentRow, incident_id)
        row.resolved_at = anchor.time + timedelta(hours=9)


async def _install(database: Database) -> tuple[int, int]:
    """A tenant with the pump, its tags, the starting rules, a cost and an engineer; both their ids."""
    async with database.platform("benchmark") as tx:
        tenant = Tenant(code="LOOP", name="Loop", settings={})
        tx.session.add(tenant)
        await tx.session.flush()
        engineer = User(
            tenant_id=tenant.id, email="e@loop.example", username="e", role=Role.ENGINEER, password_hash="-"
        )
        tx.session.add(engineer)
        await tx.session.flush()
        ids = tenant.id, engineer.id
    async with database.transaction(ids[0]) as tx:
        await _furnish(tx, ids[0])
    return ids


async def _furnish(tx: Tx, tenant_id: int) -> None:
    site = SiteRow(tenant_id=tenant_id, code="PLANT", name="Plant", time_zone="UTC")
    source = Integration(tenant_id=tenant_id, name="Simulated", integration_type="demo", config={})
    tx.session.add_all([site, source])
    await tx.session.flush()
    known = next(a for a in CATALOGUE.assets if a.code == ASSET)
    asset = AssetRow(
        tenant_id=tenant_id,
        site_id=site.id,
        code=ASSET,
        name=known.name,
        asset_type=known.asset_type,
        criticality=known.criticality,
    )
    tx.session.add(asset)
    await tx.session.flush()
    tx.session.add_all(
        MappingRow(
            tenant_id=tenant_id,
            integration_id=source.id,
            asset_id=asset.id,
            external_tag=tag.name,
            internal_metric_name=tag.metric,
            unit=tag.unit,
            range_low=tag.low,
            range_high=tag.high,
            scan_s=1.0,
        )
        for tag in CATALOGUE.tags
        if tag.asset == ASSET
    )
    tx.session.add_all(RcaRule(tenant_id=tenant_id, **rule) for rule in map(_rule_row, read_rules()))
    tx.session.add(CostRow(tenant_id=tenant_id, cost_per_hour=Decimal(8000), asset_type=known.asset_type))
    tx.session.add(DowntimeReference(tenant_id=tenant_id, cause="Shaft Misalignment", hours=Decimal(8)))


def _rule_row(rule: dict[str, object]) -> dict[str, object]:
    names = ("name", "description", "root_cause_category", "confidence", "pattern", "priority")
    return {name: rule[name] for name in names if name in rule}


def _downtime(case: Case) -> str:
    return "; ".join(
        f"{known.cause} on {known.asset_type}: {known.count} orders, mean {known.mean_h} h, "
        f"{known.low_h}-{known.high_h} h ({', '.join(known.orders)})"
        for known in case.downtime_history
    )


def show(found: Loop) -> None:
    print("The sixth time the same fault strikes       without    with five closed orders")
    labels = dict.fromkeys([*found.after.scores, *found.before.scores])
    for label in labels:
        before, after = found.before.scores.get(label, 0.0), found.after.scores.get(label, 0.0)
        if max(before, after) >= 0.005:
            print(f"  {label:<40}  {before:7.3f}    {after:7.3f}")
    similar = ", ".join(f"{one.number} {one.similarity:.2f}" for one in found.after.similar[:5])
    print(f"  similar past incidents: none; {similar}")
    for name, analysis in (("without", found.before), ("with", found.after)):
        money = analysis.financial
        if money is not None:
            print(f"  downtime {name}: {money.downtime_h} h, {money.amount} {money.currency} ({money.basis})")
    print(f"  confirmed orders took: {found.downtime}")
    print(f"  calibration: temperature x {found.factor:.3f}")
    print()
    print("Scoreboard              confirmed  top-1   top-3   Brier  false  did not hold")
    for name, board in (("before", found.board_before), ("after five orders", found.board_after)):
        final = board.total.final
        shares = [_share(r.value) for r in (final.top1, final.top3)]
        rest = [_share(r.value) for r in (board.total.false_incidents, board.total.not_effective)]
        brier = "-" if final.brier is None else f"{final.brier:.2f}"
        figures = f"{shares[0]:>6}  {shares[1]:>6}  {brier:>6}  {rest[0]:>5}  {rest[1]:>6}"
        print(f"  {name:<20}  {final.top1.n:7d}  {figures}")
    for (said, was), n in found.board_after.confusion.items():
        print(f"  said {said}, was {was}: {n}")


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


async def main(kind: str, cause: str, seed: int) -> None:
    with tempfile.TemporaryDirectory(prefix="optria-loop-", ignore_cleanup_errors=True) as home:
        async with embedded_server(Path(home)) as server:
            await upgrade(server.url(), password="of-the-benchmark")
            database = Database(app_url(server.url(), "of-the-benchmark"))
            try:
                show(await loop_closes(database, kind, cause, seed))
            finally:
                await database.dispose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kind", default="misalignment", help="fault of the simulated plant")
    parser.add_argument("--cause", default="Coupling Worn", help="what people say they found")
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    asyncio.run(main(asked.kind, asked.cause, asked.seed))
