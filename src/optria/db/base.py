"""Declarative base: naming of constraints, column types in common, who owns a row."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from sqlalchemy import DateTime, Integer, MetaData, Numeric, String, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Json = Annotated[dict[str, Any], mapped_column(JSONB)]
JsonList = Annotated[list[Any], mapped_column(JSONB)]
Key = Annotated[int, mapped_column(Integer, primary_key=True)]
Time = Annotated[datetime, mapped_column(DateTime(timezone=True))]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
Code20 = Annotated[str, mapped_column(String(20))]
Code50 = Annotated[str, mapped_column(String(50))]
Code100 = Annotated[str, mapped_column(String(100))]
Line = Annotated[str, mapped_column(String(255))]
Long = Annotated[str, mapped_column(String(500))]
Prose = Annotated[str, mapped_column(Text)]
Money = Annotated[Decimal, mapped_column(Numeric(15, 2))]
Hours = Annotated[Decimal, mapped_column(Numeric(8, 2))]


class Base(DeclarativeBase):
    """Base of every table. ``__v1__`` marks the tables of the existing application."""

    __v1__: ClassVar[bool] = False

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {datetime: DateTime(timezone=True)}


class TenantOwned:
    """A row that belongs to one tenant; row-level security guards every such table."""

    tenant_id: Mapped[int] = mapped_column(Integer, index=False)
