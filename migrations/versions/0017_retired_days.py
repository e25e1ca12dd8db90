"""A function that retires a day of the history, for the serving role, which owns no table.

Of a retired day only the recordings of sealed incidents stay, so that their seals still hold. A day that
an open incident or a recording without a seal lies in is left alone, and so are the last thirty.

Revision ID: 0017
"""

from alembic import op

revision = "0017"
down_revision = "0016"

FUNCTION = """
CREATE FUNCTION optria_retire_history_day(day date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET lock_timeout = '200ms' SET jit = off AS $$
DECLARE
    part text := 'history_chunks_' || to_char(day, 'YYYYMMDD');
    kept text := part || '_kept';
    begins timestamptz := day::timestamp AT TIME ZONE 'UTC';
    ends timestamptz := (day + 1)::timestamp AT TIME ZONE 'UTC';
    recorded bigint;
BEGIN
    IF day > (now() AT TIME ZONE 'UTC')::date - 30 THEN
        RAISE EXCEPTION 'a day of the last 30 is not retired: %', day
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF to_regclass(part) IS NULL THEN
        RETURN 'absent';
    END IF;
    IF obj_description(to_regclass(part), 'pg_class') = 'recordings only' THEN
        RETURN 'retired';
    END IF;
    IF EXISTS (
        SELECT FROM blackbox_incidents AS i
        WHERE i.window_start < ends AND i.window_end >= begins
          AND (i.status NOT IN ('RESOLVED', 'CLOSED') OR NOT EXISTS (
              SELECT FROM incident_seals AS s WHERE s.tenant_id = i.tenant_id AND s.incident_id = i.id))
    ) THEN
        RETURN 'needed';
    END IF;
    EXECUTE format('LOCK TABLE %I IN SHARE MODE', part);
    EXECUTE format('CREATE TABLE %I (LIKE history_chunks INCLUDING ALL)', kept);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', kept);
    EXECUTE format(
        'INSERT INTO %I SELECT c.* FROM %I AS c WHERE EXISTS ('
        ' SELECT FROM incident_seals AS s'
        ' JOIN blackbox_incidents AS i ON i.tenant_id = s.tenant_id AND i.id = s.incident_id'
        ' CROSS JOIN LATERAL jsonb_array_elements(s.content -> ''samples'') AS sealed'
        ' WHERE i.window_start < %L AND i.window_end >= %L AND s.tenant_id = c.tenant_id'
        ' AND (sealed ->> ''tag'')::int = c.tag_id'
        ' AND i.window_start <= c.t0 + interval ''1 minute'' AND i.window_end >= c.t0)',
        kept, part, ends, begins
    );
    GET DIAGNOSTICS recorded = ROW_COUNT;
    EXECUTE format('DROP TABLE %I', part);
    IF recorded = 0 THEN
        EXECUTE format('DROP TABLE %I', kept);
        RETURN 'dropped';
    END IF;
    EXECUTE format('ALTER TABLE %I RENAME TO %I', kept, part);
    EXECUTE format('ALTER TABLE history_chunks ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        part, begins, ends);
    EXECUTE format('COMMENT ON TABLE %I IS ''recordings only''', part);
    RETURN 'reduced';
END
$$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL statement_timeout = '60s'")
    op.execute(FUNCTION)
    op.execute("REVOKE ALL ON FUNCTION optria_retire_history_day(date) FROM PUBLIC")
