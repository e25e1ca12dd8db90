"""``/rules/windows``, ``/rules/detectors`` and ``/rules/work-orders``: settings and their defaults."""

import asyncio
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from sqlalchemy import select
from starlette.responses import Response

from optria.core.event import Severity
from optria.db.identity import Tenant, User
from optria.db.plant import DetectorSetting, IncidentWindow
from optria.db.session import Tx
from optria.rca.window import DEFAULT_MINUTES
from optria.streams.detectors.tuning import USUAL
from optria.web.config.config_proposals import demands_four_eyes
from optria.web.config.config_scope import Reading
from optria.web.deps import OpenTx
from optria.web.routing import api_router
from optria.web.rule_pages import rules_section as section
from optria.web.words import _
from optria.work.assignment import who_may_see_orders
from optria.work.orders import load_policy

router = api_router(include_in_schema=False)

MOST_SHOWN: Final = 200
MOST_PEOPLE: Final = 200


@dataclass(frozen=True, slots=True)
class Knob:
    """A parameter of the built-in detectors: what it does, in plain words."""

    name: str
    label: str
    default: float
    low: float
    high: float
    step: float
    words: str


KNOBS: Final = (
    Knob(
        "sensitivity",
        _("Sensitivity"),
        1.0,
        0.2,
        5.0,
        0.1,
        _("Above 1 it alarms earlier and more often, below 1 later and less often."),
    ),
    Knob(
        "warm_up",
        _("Warm-up, samples"),
        USUAL.warm_up,
        100,
        100_000,
        1,
        _("So many samples a tag must have given before it may alarm."),
    ),
    Knob(
        "hold",
        _("Hold, standard deviations"),
        USUAL.hold,
        2.0,
        10.0,
        0.1,
        _("Further from normal than this nothing is learned, so that a fault is not taken for normal."),
    ),
)
DETECTOR_WORDS: Final = {
    "BuiltIn": _(
        "The built-in ones: level, slope and noise of each tag, and all tags of the asset together."
    ),
    "ZScore": _("Distance of one tag from its mean, in standard deviations."),
    "GatedLevel": _("Level of one tag against a reference that stands still while the tag deviates."),
    "GatedDifferenceVariance": _("Noise of one tag: sticking valves, two-phase flow."),
    "GaussianScorer": _("How unlikely a value of one tag is under a normal distribution."),
    "HalfSpaceTrees": _("All tags of an asset together, by random trees; costs memory."),
    "LODA": _("All tags of an asset together, by random projections."),
    "OneClassSVM": _("All tags of an asset together, by a support vector machine."),
    "StandardAbsoluteDeviation": _("Distance of one tag from its mean or median."),
}


@router.get("/rules/windows")
async def windows_page(request: Request, viewer: Reading, tx: OpenTx) -> Response:
    query = select(IncidentWindow).order_by(IncidentWindow.asset_type.nulls_first(), IncidentWindow.id)
    context: dict[str, object] = {
        "windows": (await tx.session.scalars(query.limit(MOST_SHOWN))).all(),
        "default_minutes": DEFAULT_MINUTES,
        "types": await section.asset_types(tx),
    }
    return await section.render_section(request, "config_windows.html", tx, viewer, "windows", **context)


@router.get("/rules/detectors")
async def detectors_page(request: Request, viewer: Reading, tx: OpenTx) -> Response:
    query = select(DetectorSetting).where(DetectorSetting.is_active).order_by(DetectorSetting.id)
    context: dict[str, object] = {
        "settings": (await tx.session.scalars(query.limit(MOST_SHOWN))).all(),
        "available": await asyncio.to_thread(detector_names),
        "detector_words": DETECTOR_WORDS,
        "knobs": KNOBS,
        "types": await section.asset_types(tx),
        "metrics": await section.metrics(tx),
    }
    return await section.render_section(request, "config_detectors.html", tx, viewer, "detectors", **context)


def detector_names() -> list[str]:
    """What may be chosen; River is imported here alone, in a thread."""
    from optria.streams.detectors.registry import names

    return names()


@router.get("/rules/work-orders")
async def policy_page(request: Request, viewer: Reading, tx: OpenTx) -> Response:
    tenant = await tx.session.get(Tenant, tx.tenant_id) if tx.tenant_id is not None else None
    policy = await load_policy(tx, tenant.id) if tenant else None
    context: dict[str, object] = {
        "policy": policy,
        "people": await _people(tx, viewer.language),
        "names": await section.names_of(tx, policy.watchers if policy else (), viewer.language),
        "severities": [severity.name for severity in reversed(Severity)],
        "four_eyes": tenant is not None and demands_four_eyes(tenant),
    }
    return await section.render_section(request, "config_policy.html", tx, viewer, "policy", **context)


async def _people(tx: Tx, language: str) -> list[tuple[int, str]]:
    """Who may be told of every order: active people whose role may see them."""
    if tx.tenant_id is None:
        return []
    query = select(User.id).where(User.tenant_id == tx.tenant_id, User.is_active.is_not(False))
    found = (await tx.session.scalars(query.order_by(User.id).limit(MOST_PEOPLE))).all()
    fit = await who_may_see_orders(tx, tx.tenant_id, list(found))
    names = await section.names_of(tx, fit, language)
    return sorted(names.items(), key=lambda pair: pair[1])
