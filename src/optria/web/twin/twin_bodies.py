"""Request bodies about process drawings: v1's fields, bounded."""

import re
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field

from optria.web import bodies
from optria.web.bounded_json import DrawingConfig, SmallObject
from optria.web.texts import Text

OWN_PATH: Final = re.compile(r"/static/[A-Za-z0-9_./-]+")
PICTURE: Final = re.compile(r"data:image/(?:png|jpeg|webp);base64,[A-Za-z0-9+/]+={0,2}")
COLOR: Final = re.compile(r"#[0-9A-Fa-f]{3,8}|[A-Za-z]{3,20}")


class NodeType(StrEnum):
    """What a node is, in v1's words."""

    ASSET = "asset"
    PUMP = "pump"
    COMPRESSOR = "compressor"
    TANK = "tank"
    VALVE = "valve"
    SENSOR = "sensor"
    PIPE = "pipe"
    GROUP = "group"
    LABEL = "label"
    CONNECTION = "connection"


def own_picture(address: str) -> str:
    """Raises ValueError for anything that would be loaded from elsewhere."""
    own = OWN_PATH.fullmatch(address) and ".." not in address
    if address and not own and not PICTURE.fullmatch(address):
        raise ValueError("a path under /static/ or a small picture as data:image/png, jpeg or webp is needed")
    return address


def known_color(word: str) -> str:
    if not COLOR.fullmatch(word):
        raise ValueError("a colour such as #181c21 is needed")
    return word


Picture = Annotated[Text, Field(max_length=500), AfterValidator(own_picture)]
"""500 characters: the column of version 1."""
Color = Annotated[bodies.Text20, AfterValidator(known_color)]
Extent = Annotated[int, Field(ge=1, le=20_000)]
Place = Annotated[int, Field(ge=-100_000, le=100_000)]
Degrees = Annotated[int, Field(ge=-360, le=360)]
Layer = Annotated[int, Field(ge=-10_000, le=10_000)]


class TwinLayoutCreate(bodies.Body):
    """v1's body; sizes in pixels, ``config`` at most 512 KiB and 32 levels deep."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Gas-oil separation train",
                    "site_id": 2,
                    "width": 950,
                    "height": 727,
                    "config": {
                        "size": [950, 727],
                        "symbols": [{"symbol": "pump", "asset": "P-102A", "x": 620, "y": 420}],
                    },
                    "is_default": True,
                }
            ]
        }
    )
    name: bodies.Title
    description: bodies.Prose | None = None
    site_id: bodies.RowNumber | None = None
    width: Extent = 1200
    height: Extent = 800
    background_color: Color = "#181c21"
    background_image: Picture | None = None
    config: DrawingConfig = Field(default_factory=dict)
    is_default: bool = False


class TwinLayoutUpdate(bodies.Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Train 1", "is_default": True}]})
    name: bodies.Title | None = None
    description: bodies.Prose | None = None
    width: Extent | None = None
    height: Extent | None = None
    background_color: Color | None = None
    background_image: Picture | None = None
    config: DrawingConfig | None = None
    is_default: bool | None = None
    is_active: bool | None = None
    unchanged_since: AwareDatetime | None = None
    """``updated_at`` (or ``created_at``) as it was read; refused when somebody has saved meanwhile."""


class DrawingAsked(bodies.Body):
    """A drawing as it would be shown; nothing is stored."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "site_id": 2,
                    "config": {"symbols": [{"symbol": "pump", "asset": "P-102A", "x": 620, "y": 420}]},
                }
            ]
        }
    )
    site_id: bodies.RowNumber
    config: DrawingConfig


class TwinNodeCreate(bodies.Body):
    """v1's body; ``layout_id`` is that of the address and may be left out. Pixels and degrees."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"node_type": "pump", "label": "P-102A", "asset_id": 6, "position_x": 620, "position_y": 420}
            ]
        }
    )
    layout_id: bodies.RowNumber | None = None
    node_type: NodeType
    label: bodies.Text255 | None = None
    asset_id: bodies.RowNumber | None = None
    position_x: Place = 0
    position_y: Place = 0
    width: Extent = 100
    height: Extent = 100
    rotation: Degrees = 0
    icon: bodies.Text100 | None = None
    color: Color | None = None
    style: SmallObject = Field(default_factory=dict)
    parent_node_id: bodies.RowNumber | None = None
    data_bindings: SmallObject = Field(default_factory=dict)
    z_index: Layer = 0


class TwinNodeUpdate(bodies.Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"position_x": 640, "rotation": 180}]})
    label: bodies.Text255 | None = None
    position_x: Place | None = None
    position_y: Place | None = None
    width: Extent | None = None
    height: Extent | None = None
    rotation: Degrees | None = None
    icon: bodies.Text100 | None = None
    color: Color | None = None
    style: SmallObject | None = None
    data_bindings: SmallObject | None = None
    z_index: Layer | None = None
    is_visible: bool | None = None
