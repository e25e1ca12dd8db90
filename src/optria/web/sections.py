"""The sections of the product: what the rail and the tabs of the administration offer to a role."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Final

from optria.core.roles import Permission
from optria.web.words import _


@dataclass(frozen=True, slots=True)
class Section:
    """One place to go: ``label`` is the English message, ``key`` what a page names as its own."""

    key: str
    href: str
    icon: str
    label: str
    permission: Permission


PLANT: Final = (
    Section("overview", "/dashboard", "layout-dashboard", _("Overview"), Permission.VIEW_TWIN),
    Section("twin", "/digital-twin", "workflow", _("Live twin"), Permission.VIEW_TWIN),
    Section("incidents", "/blackbox/incidents", "siren", _("Incidents"), Permission.VIEW_INCIDENTS),
    Section("work_orders", "/work-orders", "clipboard-list", _("Work orders"), Permission.VIEW_WORK_ORDERS),
    Section("assets", "/assets", "list", _("Assets"), Permission.VIEW_ASSETS),
)
SETTINGS: Final = (
    Section("integrations", "/integrations", "plug", _("Integrations"), Permission.VIEW_INTEGRATIONS),
    Section("rules", "/rules", "sliders-horizontal", _("Rules"), Permission.VIEW_RULES),
)
ADMIN_PAGES: Final = (
    Section("users", "/users", "user-round", _("Users"), Permission.MANAGE_USERS),
    Section("on_call", "/on-call", "calendar", _("On call"), Permission.VIEW_ON_CALL),
    Section("alarms", "/admin/alarms", "activity", _("Alarms"), Permission.VIEW_RCA),
    Section("audit", "/admin/audit", "history", _("Audit log"), Permission.VIEW_AUDIT_LOG),
    Section("system", "/admin/system", "circle-check", _("System"), Permission.MANAGE_INTEGRATIONS),
    Section("tenants", "/admin/tenants", "columns-3", _("Tenants"), Permission.MANAGE_TENANTS),
)
ON_A_PHONE: Final = 4
"""How many entries stand beside "More" on a phone; five fit when there is no more."""


def plant_sections(granted: Set[Permission]) -> list[Section]:
    return [each for each in PLANT if each.permission in granted]


def admin_pages(granted: Set[Permission]) -> list[Section]:
    """The pages of the administration that somebody with these permissions may open."""
    return [each for each in ADMIN_PAGES if each.permission in granted]


def settings_sections(granted: Set[Permission]) -> list[Section]:
    """The lower group of the rail; "Admin" leads to the first page of the administration one may open."""
    sections = [each for each in SETTINGS if each.permission in granted]
    first = next(iter(admin_pages(granted)), None)
    if first is None:
        return sections
    return [*sections, Section("admin", first.href, "shield", _("Admin"), first.permission)]


def beyond_a_phone(granted: Set[Permission]) -> list[Section]:
    """What a phone shows behind "More"."""
    every = plant_sections(granted) + settings_sections(granted)
    return every[ON_A_PHONE:] if len(every) > ON_A_PHONE + 1 else []
