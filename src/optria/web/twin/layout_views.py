"""Layouts and their nodes as the JSON of the API: v1's keys."""

import json
from collections.abc import Mapping
from typing import Final

from optria.db.twin import TwinLayout, TwinNode
from optria.web.edits import Edit
from optria.web.shapes import Json, layout_json, when

LARGE: Final = ("config", "background_image")
"""Fields of which the record of a change says that they changed, and how large they are, no more."""


def node_json(row: TwinNode) -> Json:
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "layout_id": row.layout_id,
        "asset_id": row.asset_id,
        "node_type": row.node_type,
        "label": row.label,
        "position_x": row.position_x,
        "position_y": row.position_y,
        "width": row.width,
        "height": row.height,
        "rotation": row.rotation,
        "icon": row.icon,
        "color": row.color,
        "style": row.style or {},
        "parent_node_id": row.parent_node_id,
        "data_bindings": row.data_bindings or {},
        "z_index": row.z_index,
        "is_visible": row.is_visible,
        "created_at": when(row.created_at),
        "updated_at": when(row.updated_at),
    }


def layout_with_nodes(row: TwinLayout, nodes: list[TwinNode]) -> Json:
    return layout_json(row) | {"nodes": [node_json(node) for node in nodes]}


def recorded(edit: Edit) -> Edit:
    """The edit without drawings in it."""
    return Edit(_short(edit.old), _short(edit.new))


def _short(values: Mapping[str, object]) -> Json:
    return {name: _size(value) if name in LARGE and value else value for name, value in values.items()}


def _size(value: object) -> str:
    return f"{len(json.dumps(value, ensure_ascii=False).encode()):,} bytes"
