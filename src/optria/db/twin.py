"""Process drawings: layouts, and the nodes of the existing application's editor."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from optria.db.base import Base, Code20, Code50, Json, Key, Line, Long, Prose, TenantOwned
from optria.kit import clock


class TwinLayout(TenantOwned, Base):
    """A process drawing; ``config`` is the drawing as JSON."""

    __tablename__ = "twin_layouts"
    __v1__ = True

    id: Mapped[Key]
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    name: Mapped[Line]
    description: Mapped[Prose | None]
    config: Mapped[Json | None] = mapped_column(default=dict)
    width: Mapped[int | None] = mapped_column(default=1200)
    height: Mapped[int | None] = mapped_column(default=800)
    background_image: Mapped[Long | None]
    background_color: Mapped[Code20 | None] = mapped_column(default="#181c21")
    is_active: Mapped[bool | None] = mapped_column(default=True)
    is_default: Mapped[bool | None] = mapped_column(default=False)
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime | None]


class TwinNode(TenantOwned, Base):
    """A shape on a layout; positions and sizes in pixels of the layout, rotation in degrees."""

    __tablename__ = "twin_nodes"
    __table_args__ = (Index(None, "tenant_id", "layout_id"),)

    id: Mapped[Key]
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    layout_id: Mapped[int] = mapped_column(ForeignKey("twin_layouts.id"))
    asset_id: Mapped[int | None] = mapped_column(ForeignKey("assets.id"))
    node_type: Mapped[Code50]
    label: Mapped[Line | None]
    position_x: Mapped[int | None] = mapped_column(default=0)
    position_y: Mapped[int | None] = mapped_column(default=0)
    width: Mapped[int | None] = mapped_column(default=100)
    height: Mapped[int | None] = mapped_column(default=100)
    rotation: Mapped[int | None] = mapped_column(default=0)
    icon: Mapped[str | None] = mapped_column(String(100))
    color: Mapped[Code20 | None]
    style: Mapped[Json | None] = mapped_column(default=dict)
    parent_node_id: Mapped[int | None]
    data_bindings: Mapped[Json | None] = mapped_column(default=dict)
    z_index: Mapped[int | None] = mapped_column(default=0)
    is_visible: Mapped[bool | None] = mapped_column(default=True)
    created_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    updated_at: Mapped[datetime | None]
