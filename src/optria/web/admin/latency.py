"""From alarm to order, stage by stage, as stored incidents tell it: percentiles over a period.

Every stage is measured from the anchor: to the analysis, to the work order, to the first notification of the
incident or of its order. Incidents that reached no such stage are left out of it, and counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text

from optria.db.session import Tx

_STAGES: Final = text(
    """
WITH incidents AS (
    SELECT i.id, i.tenant_id, i.anchored_at, i.analysed_at, i.ordered_at, i.auto_work_order_id
      FROM blackbox_incidents i
     WHERE i.anchored_at >= :since AND (CAST(:tenant AS integer) IS NULL OR i.tenant_id = :tenant)
),
told AS (
    SELECT i.*, (
        SELECT min(n.created_at) FROM notifications n
         WHERE n.tenant_id = i.tenant_id AND n.created_at >= i.anchored_at
           AND ((n.entity_type = 'incident' AND n.entity_id = CAST(i.id AS text))
             OR (n.entity_type = 'work_order' AND n.entity_id = CAST(i.auto_work_order_id AS text)))
    ) AS notified_at
      FROM incidents i
),
stages AS (
    SELECT stage.name, extract(epoch FROM stage.at - told.anchored_at)::float8 AS seconds
      FROM told, LATERAL (VALUES ('analysis', analysed_at), ('order', ordered_at), ('notified', notified_at))
           AS stage(name, at)
     WHERE stage.at >= told.anchored_at
)
SELECT (SELECT count(*) FROM incidents)::int AS incidents, name, count(*)::int AS measured,
       percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY seconds) AS quantiles
  FROM stages GROUP BY name
"""
)
ORDER: Final = ("analysis", "order", "notified")


@dataclass(frozen=True, slots=True)
class Stage:
    """Seconds from the anchor to a stage; None where no incident reached it."""

    name: str
    measured: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None


@dataclass(frozen=True, slots=True)
class Latency:
    """``incidents`` is how many were anchored in the period, whether or not they went further."""

    since: datetime
    incidents: int
    stages: Sequence[Stage]


async def read_latency(tx: Tx, since: datetime) -> Latency:
    """The latencies of the incidents anchored since then; of all tenants for a platform owner."""
    values = {"since": since, "tenant": tx.tenant_id}
    rows = (await tx.session.execute(_STAGES, values)).mappings().all()
    by_name = {row["name"]: row for row in rows}
    stages = [
        Stage(name, row["measured"], *row["quantiles"]) if (row := by_name.get(name)) else _unreached(name)
        for name in ORDER
    ]
    return Latency(since, max((row["incidents"] for row in rows), default=0), stages)


def _unreached(name: str) -> Stage:
    return Stage(name, 0, None, None, None)
