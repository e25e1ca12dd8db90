"""Where a rota is kept: the sites that have turns or shifts of their own, and all other sites together."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from optria.core.rota import Claim, deciding
from optria.db.plant import SiteRow
from optria.db.rota import OnCallRotation, OnCallShift
from optria.db.session import Tx
from optria.work import assignment
from optria.work.on_call import INSTANT, claims_between


@dataclass(frozen=True, slots=True)
class Scope:
    """Sites with one answer to who is on call; ``site`` None is every site without a rota of its own."""

    site: SiteRow | None

    @property
    def site_id(self) -> int | None:
        return self.site.id if self.site else None


async def scopes_of(tx: Tx, tenant_id: int, at: datetime) -> list[Scope]:
    """The rotas of a tenant: that of every site first, then the sites with their own, by code."""
    rotations = select(OnCallRotation.site_id).where(
        OnCallRotation.tenant_id == tenant_id, OnCallRotation.is_active, OnCallRotation.site_id.is_not(None)
    )
    shifts = select(OnCallShift.site_id).where(
        OnCallShift.tenant_id == tenant_id, OnCallShift.ends_at > at, OnCallShift.site_id.is_not(None)
    )
    own = select(SiteRow).where(SiteRow.id.in_(rotations.union(shifts))).order_by(SiteRow.code)
    return [Scope(None), *(Scope(site) for site in await tx.session.scalars(own))]


async def fit_people(tx: Tx, tenant_id: int) -> Collection[int]:
    """User ids that may be on call."""
    return {user.id for user in await assignment.engineers(tx, tenant_id)}


async def on_call_now(tx: Tx, tenant_id: int, at: datetime) -> Sequence[tuple[Scope, Claim | None]]:
    """Who is on call at ``at``, rota by rota; None where nobody is."""
    fit = await fit_people(tx, tenant_id)
    found = []
    for scope in await scopes_of(tx, tenant_id, at):
        claims = await claims_between(tx, tenant_id, scope.site_id, at, at + INSTANT, fit)
        found.append((scope, deciding(claims, at)))
    return found
