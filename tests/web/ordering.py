"""Work orders that tests store and reach."""

from optria.core.roles import Role
from optria.db.work import WorkOrderRow
from tests import factories
from tests.web.house import House

ORDERS = "/api/work-orders"
EDITORS = (Role.PLATFORM_OWNER, Role.TENANT_ADMIN, Role.OPTIMIZATION_ENGINEER)


async def stored(house: House, **values: object) -> WorkOrderRow:
    defaults = {"assigned_to": house.own.users[Role.ENGINEER].id}
    async with house.database.transaction(house.own.tenant.id) as tx:
        return await factories.order(tx, house.own.asset, **defaults | values)


def address(house: House, row: WorkOrderRow, verb: str = "") -> str:
    return f"{ORDERS}/{row.id}{verb}?tenant_id={house.own.tenant.id}"
