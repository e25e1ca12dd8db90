"""All tables of the product by name, with every module that declares one loaded."""

from sqlalchemy import Table

from optria.db import blackbox, identity, plant, work
from optria.db.base import Base

DECLARED_IN = (blackbox, identity, plant, work)
METADATA = Base.metadata
TABLES: dict[str, Table] = dict(METADATA.tables)
