"""The configuration of every tenant, as it is in force now."""

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import select

from optria.core.asset import PlantModel
from optria.db.configuration import load_plant
from optria.db.identity import Tenant
from optria.db.session import Database


class Plants:
    """``plants(tenant_id)`` is the tenant's plant; one without any configuration is empty."""

    def __init__(self, models: dict[int, PlantModel]) -> None:
        self._models = models

    @classmethod
    def of(cls, models: Iterable[PlantModel]) -> "Plants":
        return cls({model.tenant_id: model for model in models})

    def __call__(self, tenant_id: int) -> PlantModel:
        return self._models.get(tenant_id) or PlantModel(tenant_id)

    def __iter__(self) -> Iterator[PlantModel]:
        return iter(list(self._models.values()))

    def put(self, plant: PlantModel) -> None:
        self._models[plant.tenant_id] = plant


async def load_plants(database: Database) -> Plants:
    """Read the plant of every active tenant."""
    return Plants.of([await read_plant(database, tenant_id) for tenant_id in await tenants(database)])


async def tenants(database: Database) -> Sequence[int]:
    """Ids of the tenants whose plants are watched."""
    async with database.platform("plants to watch") as tx:
        statement = select(Tenant.id).where(Tenant.status.is_distinct_from("inactive")).order_by(Tenant.id)
        return (await tx.session.execute(statement)).scalars().all()


async def read_plant(database: Database, tenant_id: int) -> PlantModel:
    async with database.transaction(tenant_id) as tx:
        return await load_plant(tx, tenant_id)
