"""The configuration of every tenant, as loaded at start."""

from collections.abc import Iterator

from sqlalchemy import select

from optria.core.asset import PlantModel
from optria.db.configuration import load_plant
from optria.db.identity import Tenant
from optria.db.session import Database


class Plants:
    """``plants(tenant_id)`` is the tenant's plant; one without any configuration is empty."""

    def __init__(self, models: dict[int, PlantModel]) -> None:
        self._models = models

    def __call__(self, tenant_id: int) -> PlantModel:
        return self._models.get(tenant_id) or PlantModel(tenant_id)

    def __iter__(self) -> Iterator[PlantModel]:
        return iter(self._models.values())


async def load_plants(database: Database) -> Plants:
    """Read the plant of every active tenant."""
    async with database.platform("start") as tx:
        statement = select(Tenant.id).where(Tenant.status.is_distinct_from("inactive")).order_by(Tenant.id)
        tenants = (await tx.session.execute(statement)).scalars().all()
    models = {}
    for tenant_id in tenants:
        async with database.transaction(tenant_id) as tx:
            models[tenant_id] = await load_plant(tx, tenant_id)
    return Plants(models)
