"""Who may do what: the permission table of the product."""

from enum import StrEnum


class Role(StrEnum):
    PLATFORM_OWNER = "platform_owner"
    TENANT_ADMIN = "tenant_admin"
    OPTIMIZATION_ENGINEER = "optimization_engineer"
    ENGINEER = "engineer"
    VIEWER = "viewer"


class Permission(StrEnum):
    VIEW_TWIN = "view_twin"
    MANAGE_TWIN = "manage_twin"
    """Draw the process: layouts and their nodes."""
    VIEW_ASSETS = "view_assets"
    MANAGE_ASSETS = "manage_assets"
    VIEW_INCIDENTS = "view_incidents"
    """Some view of incidents: all, assigned ones, or the summary, by role."""
    VIEW_RCA = "view_rca"
    VIEW_RULES = "view_rules"
    """Read what the analysis goes by: limits, windows, rules, costs, factors, specs, policies."""
    MANAGE_RULES = "manage_rules"
    RUN_RCA = "run_rca"
    VIEW_WORK_ORDERS = "view_work_orders"
    CREATE_WORK_ORDERS = "create_work_orders"
    UPDATE_WORK_ORDERS = "update_work_orders"
    APPROVE_WORK_ORDERS = "approve_work_orders"
    VIEW_ON_CALL = "view_on_call"
    MANAGE_ON_CALL = "manage_on_call"
    VIEW_NOTIFICATIONS = "view_notifications"
    """One's own notifications, and how one wants them."""
    MANAGE_NOTIFICATIONS = "manage_notifications"
    """Write to others, and set where the tenant's notifications go."""
    SHELVE_ALARMS = "shelve_alarms"
    """Take alarms that are less than CRITICAL aside for a while."""
    SHELVE_CRITICAL_ALARMS = "shelve_critical_alarms"
    PLAN_MAINTENANCE = "plan_maintenance"
    """Say when assets are out of service for work."""
    VIEW_INTEGRATIONS = "view_integrations"
    MANAGE_INTEGRATIONS = "manage_integrations"
    VIEW_SENSITIVE_NOTES = "view_sensitive_notes"
    VIEW_AUDIT_LOG = "view_audit_log"
    MANAGE_USERS = "manage_users"
    """The people of a tenant: accounts, roles, passwords."""
    MANAGE_TENANTS = "manage_tenants"
    PUBLIC = "public"
    """Anyone, signed in or not."""
    SIGNED_IN = "signed_in"


_VIEWER = frozenset(
    {
        Permission.PUBLIC,
        Permission.SIGNED_IN,
        Permission.VIEW_TWIN,
        Permission.VIEW_ASSETS,
        Permission.VIEW_INCIDENTS,
        Permission.VIEW_NOTIFICATIONS,
    }
)
_ENGINEER = _VIEWER | {
    Permission.VIEW_RCA,
    Permission.VIEW_RULES,
    Permission.VIEW_WORK_ORDERS,
    Permission.UPDATE_WORK_ORDERS,
    Permission.VIEW_ON_CALL,
    Permission.SHELVE_ALARMS,
    Permission.VIEW_INTEGRATIONS,
    Permission.VIEW_SENSITIVE_NOTES,
}
_OPTIMIZER = _ENGINEER | {
    Permission.RUN_RCA,
    Permission.CREATE_WORK_ORDERS,
    Permission.APPROVE_WORK_ORDERS,
    Permission.PLAN_MAINTENANCE,
}
_ADMIN = _OPTIMIZER | {
    Permission.MANAGE_ASSETS,
    Permission.MANAGE_TWIN,
    Permission.MANAGE_RULES,
    Permission.MANAGE_ON_CALL,
    Permission.SHELVE_CRITICAL_ALARMS,
    Permission.MANAGE_INTEGRATIONS,
    Permission.MANAGE_NOTIFICATIONS,
    Permission.MANAGE_USERS,
    Permission.VIEW_AUDIT_LOG,
}

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.ENGINEER: _ENGINEER,
    Role.OPTIMIZATION_ENGINEER: _OPTIMIZER,
    Role.TENANT_ADMIN: _ADMIN,
    Role.PLATFORM_OWNER: _ADMIN | {Permission.MANAGE_TENANTS},
}


def can(role: Role, permission: Permission) -> bool:
    return permission in GRANTS[role]
