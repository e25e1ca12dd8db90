"""Alarms of a tenant, counted by the database: constant statements, no row is loaded.

An alarm is a stored event of category ALERT whose severity is not INFO: a limit that was crossed for good, or
an alert that a connected system or a person sent. What a detector says is no alarm. The terms and figures are
those of ISA-18.2-2016 (clause 16) and IEC 62682:2014: rates per ten minutes, floods, chattering and stale
alarms, the most frequent ones, and the distribution of priorities.
"""

from typing import Final

from sqlalchemy import TextClause, text

SLOT_S: Final = 600
FLOOD_OVER: Final = 10
"""A flood begins with more alarms than this in ten minutes ..."""
FLOOD_UNDER: Final = 5
"""... and ends when fewer than this come in ten minutes."""
CHATTER_TIMES: Final = 3
CHATTER_S: Final = 60
STALE_H: Final = 24
LOOK_BACK_DAYS: Final = 90
"""How far before the end an alarm may have come that is still active."""

_ALARMS: Final = """
alarms AS MATERIALIZED (
    SELECT e.event_time AS at,
           upper(coalesce(e.severity, 'INFO')) AS severity,
           CASE WHEN e.payload ? 'state' AND e.source_id IS NOT NULL
                THEN regexp_replace(e.source_id, '[:]crossed$', '')
                ELSE concat_ws('|', e.source_system, e.asset_id, e.summary) END AS alarm,
           e.asset_id, e.summary, e.payload,
           floor(extract(epoch FROM e.event_time - CAST(:start AS timestamptz)) / 600)::int AS slot
      FROM blackbox_events e
     WHERE e.tenant_id = :tenant
       AND e.event_category = 'ALERT'
       AND upper(coalesce(e.severity, 'INFO')) <> 'INFO'
       AND e.event_time >= CAST(:start AS timestamptz) AND e.event_time < CAST(:end AS timestamptz)
       AND (CAST(:site AS integer) IS NULL OR e.site_id = CAST(:site AS integer))
)"""
_SLOTS: Final = """
slots AS (
    SELECT s.slot, count(a.slot)::int AS alarms
      FROM generate_series(0, CAST(:slots AS integer) - 1) AS s(slot)
      LEFT JOIN alarms a USING (slot)
     GROUP BY s.slot
)"""

RATE: Final = text(
    f"""
WITH {_ALARMS}, {_SLOTS}
SELECT slot, alarms FROM slots ORDER BY slot
"""  # noqa: S608
)
"""How many came in each ten minutes of the period."""

FLOODS: Final = text(
    f"""
WITH {_ALARMS}, {_SLOTS},
decided AS (
    SELECT slot, alarms,
           CASE WHEN alarms > {FLOOD_OVER} THEN 1 WHEN alarms < {FLOOD_UNDER} THEN 0 END AS says
      FROM slots
),
carried AS (
    SELECT slot, alarms, says, count(says) OVER (ORDER BY slot) AS since FROM decided
),
flooded AS (
    SELECT slot, alarms, first_value(says) OVER (PARTITION BY since ORDER BY slot) AS is_flood FROM carried
),
islands AS (
    SELECT slot, alarms, slot - row_number() OVER (ORDER BY slot) AS island FROM flooded WHERE is_flood = 1
)
SELECT min(slot) AS first_slot, max(slot) AS last_slot, sum(alarms)::int AS alarms, max(alarms) AS peak
  FROM islands GROUP BY island ORDER BY min(slot)
"""  # noqa: S608
)
"""Runs of ten minutes that are floods: begun by more than ten alarms, ended by fewer than five."""

CHATTERING: Final = text(
    f"""
WITH {_ALARMS},
spaced AS (
    SELECT alarm, at, lag(at, {CHATTER_TIMES - 1}) OVER (PARTITION BY alarm ORDER BY at) AS earlier
      FROM alarms
)
SELECT count(DISTINCT alarm)::int AS alarms, count(*)::int AS times
  FROM spaced WHERE at - earlier <= interval '{CHATTER_S} seconds'
"""  # noqa: S608
)
"""Alarms that came three times within a minute, and how often they did."""

FREQUENT: Final = text(
    f"""
WITH {_ALARMS},
spaced AS (
    SELECT *, lag(at, {CHATTER_TIMES - 1}) OVER (PARTITION BY alarm ORDER BY at) AS earlier FROM alarms
),
counted AS (
    SELECT alarm, count(*)::int AS times, max(at) AS last_at,
           bool_or(at - earlier <= interval '{CHATTER_S} seconds') AS chatters,
           (array_agg(asset_id ORDER BY at DESC))[1] AS asset_id,
           (array_agg(severity ORDER BY at DESC))[1] AS severity,
           (array_agg(summary ORDER BY at DESC))[1] AS summary,
           (array_agg(payload ORDER BY at DESC))[1] AS payload
      FROM spaced GROUP BY alarm
)
SELECT c.alarm, c.times, c.last_at, coalesce(c.chatters, false) AS chatters, c.severity, c.summary,
       c.payload->>'external_tag' AS tag, c.payload->>'metric' AS metric,
       c.payload->>'direction' AS direction, c.payload->>'limit' AS limit_value,
       c.payload->>'unit' AS unit, a.id AS asset_id, a.code AS asset
  FROM counted c LEFT JOIN assets a ON a.id = c.asset_id AND a.tenant_id = :tenant
 ORDER BY c.times DESC, c.last_at DESC, c.alarm LIMIT 10
"""  # noqa: S608
)
"""The ten alarms that came most often."""

PRIORITIES: Final = text(
    f"WITH {_ALARMS} SELECT severity, count(*)::int AS alarms FROM alarms GROUP BY severity"  # noqa: S608
)

STALE: Final = text(
    f"""
WITH limit_events AS (
    SELECT regexp_replace(e.source_id, ':(crossed|returned)$', '') AS alarm, e.payload->>'state' AS state,
           e.event_time AS at, e.asset_id, upper(coalesce(e.severity, 'INFO')) AS severity, e.summary
      FROM blackbox_events e
     WHERE e.tenant_id = :tenant
       AND e.event_time >= CAST(:end AS timestamptz) - interval '{LOOK_BACK_DAYS} days'
       AND e.event_time < CAST(:end AS timestamptz)
       AND e.source_id IS NOT NULL AND e.payload->>'state' IN ('crossed', 'returned')
       AND (CAST(:site AS integer) IS NULL OR e.site_id = CAST(:site AS integer))
),
spells AS (
    SELECT *, count(*) FILTER (WHERE state = 'returned')
              OVER (PARTITION BY alarm ORDER BY at DESC) AS later_returns
      FROM limit_events
),
active AS (
    SELECT alarm, min(at) AS since, (array_agg(asset_id ORDER BY at DESC))[1] AS asset_id,
           (array_agg(severity ORDER BY at DESC))[1] AS severity,
           (array_agg(summary ORDER BY at DESC))[1] AS summary
      FROM spells WHERE later_returns = 0 AND state = 'crossed' GROUP BY alarm
)
SELECT s.alarm, s.since, s.severity, s.summary, a.id AS asset_id, a.code AS asset
  FROM active s LEFT JOIN assets a ON a.id = s.asset_id AND a.tenant_id = :tenant
 WHERE s.since < CAST(:end AS timestamptz) - interval '{STALE_H} hours'
 ORDER BY s.since, s.alarm LIMIT 50
"""  # noqa: S608
)
"""Limits that were crossed more than a day before the end and have not returned."""

ALL: Final[tuple[TextClause, ...]] = (RATE, FLOODS, CHATTERING, FREQUENT, PRIORITIES, STALE)
