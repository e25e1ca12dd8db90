"""The tenant's calibration: fitted anew whenever people confirm, correct or withdraw a cause."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from optria.core.causes import teaches
from optria.db.learning import CauseCalibration, CauseConfirmation
from optria.db.session import Tx
from optria.kit import clock
from optria.rca.calibration import MOST_CASES, Calibration, Told, fit_calibration


async def current(tx: Tx, tenant_id: int) -> CauseCalibration | None:
    """The calibration that holds for the next analysis; None where nothing was ever confirmed."""
    query = select(CauseCalibration).where(CauseCalibration.tenant_id == tenant_id)
    newest = query.order_by(CauseCalibration.fitted_at.desc(), CauseCalibration.id.desc()).limit(1)
    return (await tx.session.scalars(newest)).one_or_none()


async def factor(tx: Tx, tenant_id: int) -> float:
    """1 where nothing was confirmed yet."""
    found = await current(tx, tenant_id)
    return found.factor if found else 1.0


async def refit(tx: Tx) -> Calibration:
    """Fit the factor to the tenant's confirmed causes; stored where it has changed."""
    assert tx.tenant_id is not None
    fitted = fit_calibration(await _told(tx, tx.tenant_id))
    before = await current(tx, tx.tenant_id)
    known = (before.factor, before.cases) if before else (1.0, 0)
    if known != (fitted.factor, fitted.cases):
        tx.session.add(
            CauseCalibration(
                tenant_id=tx.tenant_id,
                factor=fitted.factor,
                cases=fitted.cases,
                log_loss_before=fitted.log_loss_before,
                log_loss_after=fitted.log_loss_after,
                fitted_at=clock.now(),
            )
        )
        await tx.session.flush()
    return fitted


async def _told(tx: Tx, tenant_id: int) -> list[Told]:
    """The latest cases whose cause is confirmed and whose fix held."""
    row = CauseConfirmation
    query = select(row.cause, row.final_said, row.ordered_said).where(
        row.tenant_id == tenant_id, row.cause.is_not(None), row.is_effective, ~row.is_withdrawn
    )
    newest = query.order_by(row.confirmed_at.desc(), row.id.desc()).limit(MOST_CASES)
    rows = (await tx.session.execute(newest)).all()
    return [
        Told(said["scores"], cause or "", said["calibration"])
        for cause, final, ordered in rows
        if teaches(cause) and (said := _readable(final or ordered))
    ]


def _readable(said: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """What was said, if it says anything: a probability of one cause at least."""
    return said if said and said.get("scores") and "calibration" in said else None
