"""Who changes first: locks that let changes of one kind go one after the other until the commit.

The tables of version 1 hold duplicates and so cannot have unique keys: what must be unique, or must not be
the last of its kind, is looked up under such a lock.
"""

from sqlalchemy import func, select

from optria.core.errors import NotFound
from optria.db.identity import Tenant
from optria.db.session import Tx
from optria.web.deps import written_tenant


async def take_turns(tx: Tx, kind: str) -> None:
    """Wait for whoever else changes this kind of thing in the tenant of the transaction."""
    await take_turns_in(tx, kind, written_tenant(tx))


async def take_turns_in(tx: Tx, kind: str, tenant_id: int) -> None:
    """The same for a tenant that is not the transaction's own; 0 stands for none."""
    await tx.session.execute(select(func.pg_advisory_xact_lock(func.hashtext(kind), tenant_id)))


async def lock_settings(tx: Tx) -> Tenant:
    """The tenant, locked: its settings, and all that the analysis goes by, change one after the other."""
    query = select(Tenant).where(Tenant.id == written_tenant(tx)).with_for_update(key_share=True)
    tenant = (await tx.session.scalars(query.execution_options(populate_existing=True))).first()
    if tenant is None:
        raise NotFound("There is no such tenant.")
    return tenant
