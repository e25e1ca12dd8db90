"""The routes of version 1 that stay: method, path, query parameters after "?", fields of the body after ":".

A field with a star is one that version 1 asks for.
"""

from dataclasses import dataclass
from typing import Final

_TABLE: Final = """
GET /api/assets/sites
POST /api/assets/sites : code* name* name_ar location site_type
GET /api/assets/ ? site_id criticality status limit offset
GET /api/assets/{asset_id}
POST /api/assets/ : site_id parent_asset_id code* name* name_ar asset_type manufacturer model
        serial_number criticality
GET /api/assets/{asset_id}/metrics ? limit
GET /api/assets/{asset_id}/ai-scores ? limit
POST /api/auth/login : email* password*
POST /api/auth/logout
GET /api/auth/me
GET /api/auth/check
GET /api/blackbox/events ? asset_id site_id severity category source_system start_time end_time limit
        offset
POST /api/blackbox/events : asset_id site_id source_system* source_type* source_id event_time* severity
        event_category* summary payload tags
GET /api/blackbox/events/{event_id}
GET /api/blackbox/incidents ? status severity incident_type site_id asset_id start_date end_date limit
        offset
POST /api/blackbox/incidents : incident_type severity title* description root_asset_id site_id start_time*
        end_time
GET /api/blackbox/incidents/{incident_id}
PUT /api/blackbox/incidents/{incident_id} : status severity title description assigned_to impact_estimate
POST /api/blackbox/incidents/{incident_id}/events : event_id* role notes
GET /api/blackbox/incidents/{incident_id}/timeline
POST /api/blackbox/incidents/{incident_id}/rca
POST /api/blackbox/incidents/{incident_id}/rca-full ? auto_create_wo
GET /api/blackbox/reports/{incident_id}
POST /api/blackbox/engine/collect
POST /api/blackbox/engine/detect
POST /api/blackbox/engine/run
GET /api/blackbox/incidents/{incident_id}/events
GET /api/blackbox/stats
GET /health/live
GET /health/ready
GET /health/
GET /health/internal/config/status
GET /api/integrations/types
GET /api/integrations/schemas/{integration_type}
GET /api/integrations/
GET /api/integrations/mappings ? integration_id asset_id
GET /api/integrations/cost-models/active
GET /api/integrations/{integration_id}
POST /api/integrations/ : name* integration_type* config
PUT /api/integrations/{integration_id} : name config is_active
PATCH /api/integrations/{integration_id}/config ? config
POST /api/integrations/{integration_id}/test
POST /api/integrations/{integration_id}/demo-stream/start
POST /api/integrations/{integration_id}/demo-stream/stop
GET /api/integrations/{integration_id}/available-tags
GET /api/integrations/{integration_id}/action-logs ? limit
POST /api/integrations/mappings : integration_id* asset_id component_id external_tag*
        internal_metric_name* unit scaling_factor offset_value
POST /api/integrations/mappings/bulk : integration_id* mappings*
PUT /api/integrations/mappings/{mapping_id} : asset_id component_id external_tag internal_metric_name unit
        scaling_factor offset_value
DELETE /api/integrations/mappings/{mapping_id}
GET /api/integrations/cost-models
POST /api/integrations/cost-models : name description default_downtime_cost_per_hour risk_appetite
        cost_per_asset_family production_value_per_unit production_value_per_site criticality_thresholds
        currency
PUT /api/integrations/cost-models/{model_id} : name description default_downtime_cost_per_hour
        risk_appetite cost_per_asset_family production_value_per_unit production_value_per_site
        criticality_thresholds currency is_active
GET /api/integrations/external-db/test-sample
GET /api/notifications ? is_read notification_type severity limit offset
GET /api/notifications/unread-count
GET /api/notifications/{notification_id}
PUT /api/notifications/{notification_id} : is_read is_dismissed
POST /api/notifications/mark-all-read
POST /api/notifications/dismiss-all
POST /api/notifications/bulk-action : notification_ids* action*
POST /api/notifications : user_id* notification_type* title* title_ar body body_ar severity entity_type
        entity_id action_url payload
GET /api/tenant-users/ ? tenant_id role is_active search skip limit
POST /api/tenant-users/ ? tenant_id : email* username* full_name* full_name_ar role* password
GET /api/tenant-users/{user_id}
PUT /api/tenant-users/{user_id} : full_name full_name_ar role is_active
POST /api/tenant-users/{user_id}/reset-password : new_password
DELETE /api/tenant-users/{user_id}
GET /api/tenant-users/roles/available
GET /api/tenants/
GET /api/tenants/{tenant_id}
POST /api/tenants/ : code* name* name_ar industry admin_email* admin_name*
PUT /api/tenants/{tenant_id} : name name_ar industry status
GET /api/tenants/{tenant_id}/users
GET /api/twins/layouts ? site_id is_active limit offset
POST /api/twins/layouts : name* description site_id width height background_color background_image config
        is_default
GET /api/twins/layouts/{layout_id}
PUT /api/twins/layouts/{layout_id} : name description width height background_color background_image
        config is_default is_active
DELETE /api/twins/layouts/{layout_id}
POST /api/twins/layouts/{layout_id}/nodes : layout_id* node_type* label asset_id position_x position_y
        width height rotation icon color style parent_node_id data_bindings z_index
PUT /api/twins/nodes/{node_id} : label position_x position_y width height rotation icon color style
        data_bindings z_index is_visible
DELETE /api/twins/nodes/{node_id}
GET /api/twins/layouts/{layout_id}/nodes ? asset_id
GET /api/twins/summary
GET /api/twins/assets ? site_id asset_type criticality
GET /api/twins/assets/{asset_id}
GET /api/twins/assets/{asset_id}/metrics
GET /api/twins/assets/{asset_id}/metrics/{metric_name}/series ? from_time to_time limit
GET /api/work-orders/ ? status priority asset_id assigned_to limit offset
GET /api/work-orders/{work_order_id}
POST /api/work-orders/ : asset_id code* title* title_ar description work_type priority assigned_to
        scheduled_date due_date estimated_hours
PUT /api/work-orders/{work_order_id} : title title_ar description priority status assigned_to
        scheduled_date due_date notes
POST /api/work-orders/{work_order_id}/start
POST /api/work-orders/{work_order_id}/complete ? actual_hours
GET /
GET /health
GET /login
GET /dashboard
GET /assets
GET /integrations
GET /work-orders
GET /admin/tenants
GET /blackbox/incidents
GET /blackbox/incidents/{incident_id}
GET /blackbox/incidents/{incident_id}/report
GET /digital-twin
GET /users
"""


@dataclass(frozen=True, slots=True)
class V1Route:
    method: str
    path: str
    query: tuple[str, ...]
    fields: tuple[str, ...]
    needed: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def _parsed(line: str) -> V1Route:
    line, _, body = line.partition(" : ")
    address, _, query = line.partition(" ? ")
    method, path = address.split()
    fields = body.split()
    needed = tuple(name.rstrip("*") for name in fields if name.endswith("*"))
    return V1Route(method, path, tuple(query.split()), tuple(name.rstrip("*") for name in fields), needed)


V1_ROUTES: Final = tuple(
    _parsed(line) for line in _TABLE.replace("\n        ", " ").splitlines() if line.strip()
)
