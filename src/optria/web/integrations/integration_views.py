"""Connections, what they offer and what was read of them, as the JSON of the API."""

import math
from collections.abc import Sequence

from optria.connectors.base import BrowseEntry, Probe
from optria.connectors.secrets import redacted
from optria.core.tag import Quality, SampleBatch
from optria.db.plant import Integration, IntegrationActionLog
from optria.web.health import link_json
from optria.web.services import Services
from optria.web.shapes import Json, when


def integration_json(row: Integration) -> Json:
    """One connection; its secrets never leave."""
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "name": row.name,
        "integration_type": row.integration_type,
        "config": redacted(row.config or {}),
        "status": row.status,
        "last_sync_at": when(row.last_sync_at),
        "last_sync_status": row.last_sync_status,
        "last_sync_message": row.last_sync_message,
        "is_active": row.is_active,
        "demo_stream_active": row.demo_stream_active,
    }


def links(services: Services, tenants: set[int]) -> dict[int, Json]:
    """How the running connections of these tenants do, by integration."""
    return {link.integration_id: link_json(link) for tenant in tenants for link in services.links(tenant)}


def entry_json(entry: BrowseEntry) -> Json:
    return {
        "id": entry.id,
        "name": entry.name,
        "has_children": entry.has_children,
        "is_variable": entry.is_variable,
        "unit": entry.unit,
        "low": entry.low,
        "high": entry.high,
        "description": entry.description,
    }


def probe_json(probe: Probe) -> Json:
    return {"success": probe.ok, "message": probe.message, "details": dict(probe.details)}


def samples_json(batch: SampleBatch, tags: Sequence[str]) -> list[Json]:
    """Raw values of the source; row i of ``batch`` is of tag ``tags[batch.tag[i]]``."""
    return [
        {
            "tag": tags[sample.tag],
            "value": sample.value if math.isfinite(sample.value) else None,
            "quality": Quality(sample.quality).name.lower(),
            "time": when(sample.source_time),
        }
        for sample in batch.rows()
    ]


def log_json(entry: IntegrationActionLog) -> Json:
    return {
        "id": entry.id,
        "integration_id": entry.integration_id,
        "action": entry.action,
        "status": entry.status,
        "message": entry.message,
        "details": entry.details or {},
        "created_at": when(entry.created_at),
    }
