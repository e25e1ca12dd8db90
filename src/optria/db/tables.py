"""All tables of the product by name, with every module that declares one loaded."""

from sqlalchemy import Table

from optria.db import (
    alarms,
    asset_details,
    blackbox,
    delivery,
    identity,
    learning,
    leases,
    plant,
    requests,
    rota,
    seals,
    twin,
    work,
)
from optria.db.base import Base

DECLARED_IN = (
    alarms,
    asset_details,
    blackbox,
    delivery,
    identity,
    learning,
    leases,
    plant,
    requests,
    rota,
    seals,
    twin,
    work,
)
METADATA = Base.metadata
TABLES: dict[str, Table] = dict(METADATA.tables)
