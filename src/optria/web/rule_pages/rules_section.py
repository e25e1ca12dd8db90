"""What the pages of Rules share: their tabs, who may change them, whose names stand behind a change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from sqlalchemy import select
from starlette.responses import Response

from optria.core.arabic import TYPE_AR
from optria.core.roles import Permission, can
from optria.db.identity import User
from optria.db.plant import AssetRow, MappingRow, SiteRow
from optria.db.session import Tx
from optria.kit import clock
from optria.web.config.rule_words import metric_word
from optria.web.frame import shell_for
from optria.web.page_words import causes_in
from optria.web.rendering import render_page
from optria.web.sessions import Viewer
from optria.web.words import _


@dataclass(frozen=True, slots=True)
class Tab:
    key: str
    href: str
    label: str
    permission: Permission = Permission.VIEW_RULES


TABS: Final = (
    Tab("causal", "/rules", _("Causal rules")),
    Tab("limits", "/rules/limits", _("Limits")),
    Tab("windows", "/rules/windows", _("Windows")),
    Tab("detectors", "/rules/detectors", _("Detectors")),
    Tab("policy", "/rules/work-orders", _("Work-order policy")),
    Tab("costs", "/rules/costs", _("Costs and factors")),
    Tab("backtest", "/rules/backtest", _("Back-test")),
    Tab("quality", "/quality", _("Quality"), Permission.VIEW_RCA),
)


def tabs_for(viewer: Viewer) -> list[Tab]:
    return [tab for tab in TABS if can(viewer.role, tab.permission)]


def may_edit(tx: Tx, viewer: Viewer) -> bool:
    """Whether this viewer may change the configuration of the tenant that is looked at."""
    return tx.tenant_id is not None and can(viewer.role, Permission.MANAGE_RULES)


def suffix_of(tx: Tx, viewer: Viewer) -> str:
    """What addresses need at their end when the platform's people look at one tenant."""
    return "" if viewer.tenant_id is not None or tx.tenant_id is None else f"?tenant_id={tx.tenant_id}"


async def render_section(
    request: Request, template: str, tx: Tx, viewer: Viewer, tab: str, **context: object
) -> Response:
    """A page of the section, in the frame that all of them have."""
    language = viewer.language
    shared: dict[str, object] = {
        "tabs": tabs_for(viewer),
        "tab": tab,
        "may_edit": may_edit(tx, viewer),
        "has_tenant": tx.tenant_id is not None,
        "suffix": suffix_of(tx, viewer),
        "cause_word": causes_in(language),
        "type_word": lambda kind: TYPE_AR.get(kind, kind) if language == "ar" else kind,
        "metric_word": lambda metric: metric_word(metric, language),
        "me": viewer.user_id,
        "now": clock.now(),
    }
    return render_page(request, template, await shell_for(tx, viewer, "rules"), **shared | context)  # type: ignore[arg-type]


async def names_of(tx: Tx, ids: Iterable[int | None], language: str) -> Mapping[int, str]:
    """User id to name; who no longer is in the tenant is missing."""
    wanted = {one for one in ids if one is not None}
    if not wanted:
        return {}
    rows = await tx.session.scalars(select(User).where(User.id.in_(wanted)))
    return {
        row.id: (row.full_name_ar if language == "ar" else None) or row.full_name or row.username
        for row in rows
    }


async def asset_types(tx: Tx) -> list[str]:
    """The types of the assets in use, each once however it is written: rules and limits ignore its case."""
    query = select(AssetRow.asset_type).where(AssetRow.asset_type.is_not(None)).distinct()
    found = sorted((kind for kind in await tx.session.scalars(query) if kind), reverse=True)
    return sorted({kind.casefold(): kind for kind in found}.values())


async def metrics(tx: Tx) -> dict[str, list[str]]:
    """Metric to the units that its tags are measured in."""
    query = select(MappingRow.internal_metric_name, MappingRow.unit).where(MappingRow.is_active.is_not(False))
    found: dict[str, list[str]] = {}
    for metric, unit in (await tx.session.execute(query.distinct())).all():
        found.setdefault(metric, []).extend([unit] if unit else [])
    return dict(sorted(found.items()))


async def asset_codes(tx: Tx) -> dict[int, str]:
    rows = await tx.session.execute(select(AssetRow.id, AssetRow.code).order_by(AssetRow.code))
    return {row.id: row.code for row in rows.all()}


async def site_codes(tx: Tx) -> dict[int, str]:
    rows = await tx.session.execute(select(SiteRow.id, SiteRow.code).order_by(SiteRow.code))
    return {row.id: row.code for row in rows.all()}
