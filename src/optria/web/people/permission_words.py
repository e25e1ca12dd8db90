"""What each permission lets somebody do, in words, in the order in which people ask."""

from collections.abc import Mapping, Sequence
from typing import Final

from optria.core.roles import GRANTS, Permission, Role
from optria.web.words import _

PERMISSION_WORDS: Final[Mapping[Permission, str]] = {
    Permission.VIEW_TWIN: _("See the live twin"),
    Permission.VIEW_ASSETS: _("See assets and events"),
    Permission.VIEW_INCIDENTS: _("See incidents: engineers those assigned to them, viewers a summary"),
    Permission.VIEW_NOTIFICATIONS: _("Be notified, and choose how"),
    Permission.VIEW_RCA: _("See root causes, evidence and reports"),
    Permission.VIEW_WORK_ORDERS: _("See work orders: engineers their own"),
    Permission.UPDATE_WORK_ORDERS: _("Start, note and complete work orders"),
    Permission.VIEW_SENSITIVE_NOTES: _("Read sensitive notes"),
    Permission.VIEW_RULES: _("Read rules, limits and costs"),
    Permission.VIEW_INTEGRATIONS: _("See how the connections do"),
    Permission.VIEW_ON_CALL: _("See who is on call"),
    Permission.SHELVE_ALARMS: _("Shelve alarms that are less than critical"),
    Permission.RUN_RCA: _("Run the Black Box and back-tests"),
    Permission.CREATE_WORK_ORDERS: _("Make and assign work orders"),
    Permission.APPROVE_WORK_ORDERS: _("Approve and cancel work orders"),
    Permission.PLAN_MAINTENANCE: _("Plan maintenance windows"),
    Permission.MANAGE_ASSETS: _("Change sites and assets"),
    Permission.MANAGE_TWIN: _("Draw the process"),
    Permission.MANAGE_RULES: _("Change rules, limits, costs and policies"),
    Permission.MANAGE_INTEGRATIONS: _("Set up connections and map signals"),
    Permission.MANAGE_ON_CALL: _("Set up the on-call rota"),
    Permission.SHELVE_CRITICAL_ALARMS: _("Shelve critical alarms too"),
    Permission.MANAGE_NOTIFICATIONS: _("Set up channels and webhooks"),
    Permission.MANAGE_USERS: _("Manage people"),
    Permission.VIEW_AUDIT_LOG: _("Read the audit log"),
    Permission.MANAGE_TENANTS: _("Manage tenants, and look into each"),
}
"""Every permission that a role gives; what everybody may is not said."""
ROLES: Final = (
    Role.VIEWER,
    Role.ENGINEER,
    Role.OPTIMIZATION_ENGINEER,
    Role.TENANT_ADMIN,
    Role.PLATFORM_OWNER,
)


def role_table() -> Sequence[tuple[str, Sequence[bool]]]:
    """(what, may it be done by each of :data:`ROLES`) from the permission table of the product."""
    return [
        (words, [permission in GRANTS[role] for role in ROLES])
        for permission, words in PERMISSION_WORDS.items()
    ]
