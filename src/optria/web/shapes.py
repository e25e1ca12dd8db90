"""Rows as the JSON of the API: v1's keys, plus what is new at their end."""

from datetime import date, datetime
from decimal import Decimal

from optria.db.identity import User
from optria.db.plant import AssetRow, AssetScore, MappingRow, SiteRow
from optria.db.twin import TwinLayout
from optria.db.work import NotificationRow

Json = dict[str, object]


def when(time: datetime | date | None) -> str | None:
    """ISO 8601, None for none."""
    return time.isoformat() if time else None


def number(value: Decimal | float | None) -> float | None:
    return None if value is None else float(value)


def user_json(user: User) -> Json:
    return {
        "id": user.id,
        "tenant_id": user.tenant_id,
        "email": user.email,
        "username": user.username,
        "role": user.role,
        "full_name": user.full_name,
        "full_name_ar": user.full_name_ar,
        "is_active": user.is_active,
        "auth_source": user.auth_source,
        "last_login": when(user.last_login),
        "created_at": when(user.created_at),
    }


def site_json(row: SiteRow) -> Json:
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "code": row.code,
        "name": row.name,
        "name_ar": row.name_ar,
        "location": row.location,
        "site_type": row.site_type,
        "is_active": row.is_active,
        "time_zone": row.time_zone,
    }


def asset_json(row: AssetRow) -> Json:
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "site_id": row.site_id,
        "parent_asset_id": row.parent_asset_id,
        "code": row.code,
        "name": row.name,
        "name_ar": row.name_ar,
        "asset_type": row.asset_type,
        "manufacturer": row.manufacturer,
        "model": row.model,
        "serial_number": row.serial_number,
        "criticality": row.criticality,
        "production_capacity": number(row.production_capacity),
        "production_unit": row.production_unit,
        "status": row.status,
        "is_active": row.is_active,
    }


def score_json(row: AssetScore) -> Json:
    return {
        "id": row.id,
        "asset_id": row.asset_id,
        "health_score": number(row.health_score),
        "failure_probability": number(row.failure_probability),
        "remaining_useful_life_days": row.remaining_useful_life_days,
        "production_risk_index": number(row.production_risk_index),
        "anomaly_detected": bool(row.anomaly_detected),
        "computed_at": when(row.computed_at),
    }


def notification_json(row: NotificationRow) -> Json:
    """``type`` is the short name of v1's ``notification_type``; both are given."""
    return {
        "id": str(row.id),
        "tenant_id": row.tenant_id,
        "user_id": row.user_id,
        "notification_type": row.notification_type,
        "type": row.notification_type,
        "title": row.title,
        "title_ar": row.title_ar,
        "body": row.body,
        "body_ar": row.body_ar,
        "severity": row.severity,
        "entity_type": row.entity_type,
        "entity_id": row.entity_id,
        "action_url": row.action_url,
        "payload": row.payload or {},
        "is_read": bool(row.is_read),
        "read_at": when(row.read_at),
        "is_dismissed": bool(row.is_dismissed),
        "created_at": when(row.created_at),
        "expires_at": when(row.expires_at),
    }


def mapping_json(row: MappingRow) -> Json:
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "integration_id": row.integration_id,
        "asset_id": row.asset_id,
        "component_id": row.component_id,
        "external_tag": row.external_tag,
        "internal_metric_name": row.internal_metric_name,
        "unit": row.unit,
        "scaling_factor": number(row.scaling_factor),
        "offset_value": number(row.offset_value),
        "extra_data": row.extra_data or {},
        "is_active": row.is_active,
        "range_low": row.range_low,
        "range_high": row.range_high,
        "normal_low": row.normal_low,
        "normal_high": row.normal_high,
        "decimals": row.decimals,
        "scan_s": row.scan_s,
        "description": row.description,
    }


def layout_json(row: TwinLayout) -> Json:
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "site_id": row.site_id,
        "name": row.name,
        "description": row.description,
        "config": row.config or {},
        "width": row.width,
        "height": row.height,
        "background_image": row.background_image,
        "background_color": row.background_color,
        "is_active": row.is_active,
        "is_default": row.is_default,
        "created_at": when(row.created_at),
        "updated_at": when(row.updated_at),
    }
