"""How often a causal rule has spoken in the latest analyses of past incidents, and how often it was right."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import text

from optria.core.incident import cause_label
from optria.db.session import Tx
from optria.kit import clock

SINCE: Final = timedelta(days=90)
MOST_INCIDENTS: Final = 1_000
_SPOKEN: Final = text(
    """
    SELECT (rule.value)::int AS rule_id, cause.value ->> 'label' AS cause, incident.confirmed_cause,
           count(DISTINCT latest.incident_id) AS incidents
    FROM (
        SELECT DISTINCT ON (incident_id) incident_id, analysis FROM (
            SELECT incident_id, revision, analysis FROM incident_analyses
            WHERE created_at > :since AND jsonb_typeof(analysis -> 'causes') = 'array'
            ORDER BY created_at DESC LIMIT :most
        ) AS newest ORDER BY incident_id, revision DESC
    ) AS latest
    JOIN blackbox_incidents AS incident ON incident.id = latest.incident_id
    CROSS JOIN LATERAL jsonb_array_elements(latest.analysis -> 'causes') AS cause
    CROSS JOIN LATERAL jsonb_path_query(cause.value, '$.evidence[*].rule_id ? (@ != null)') AS rule (value)
    GROUP BY 1, 2, 3
    """
)


@dataclass(frozen=True, slots=True)
class Hits:
    """Incidents in which a rule spoke for its cause; how many are judged, and in how many it was right."""

    incidents: int = 0
    judged: int = 0
    right: int = 0


async def hits_of_rules(tx: Tx) -> Mapping[int, Hits]:
    """Rule id to its hits since SINCE."""
    bounds = {"since": clock.now() - SINCE, "most": MOST_INCIDENTS}
    found: dict[int, Hits] = {}
    for rule_id, cause, confirmed, count in (await tx.session.execute(_SPOKEN, bounds)).all():
        before = found.get(rule_id, Hits())
        is_right = confirmed is not None and cause_label(confirmed) == cause
        found[rule_id] = Hits(
            before.incidents + count,
            before.judged + (count if confirmed else 0),
            before.right + (count if is_right else 0),
        )
    return found
