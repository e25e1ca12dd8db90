"""From the names of a mapping to node ids, and the address space as a person browses it."""

import re
import struct
from collections.abc import Sequence

from asyncua import ua
from asyncua.client.ua_client import UaClient
from asyncua.ua.ua_binary import nodeid_to_binary

from optria.connectors.base import BrowseEntry, BrowsePage

NODE_ID = re.compile(r"^(ns=\d+;)?[isgb]=.+$")
NODES_PER_REQUEST = 200
REFERENCES_PER_ANSWER = 1_000
"""A thousand references take asyncua about 40 ms to decode, during which nothing else runs."""
REFERENCES_LOOKED_AT = 32
"""To tell whether a node has children; a variable has a few properties before them."""
DEEPEST = 12
MOST_NODES = 100_000

_VARIABLES_AND_OBJECTS = int(ua.NodeClass.Variable | ua.NodeClass.Object)


def standard(identifier: int) -> ua.NodeId:
    """A node of the OPC UA namespace itself."""
    return ua.NodeId(ua.Int32(identifier))


_SERVER = standard(ua.ObjectIds.Server)


async def children_of(server: UaClient, nodes: Sequence[ua.NodeId]) -> list[list[ua.ReferenceDescription]]:
    """Variables and objects below each node (properties left out), by as many answers as it takes."""
    found: list[list[ua.ReferenceDescription]] = []
    for start in range(0, len(nodes), NODES_PER_REQUEST):
        found += await _browse(server, nodes[start : start + NODES_PER_REQUEST])
    return found


async def _browse(server: UaClient, nodes: Sequence[ua.NodeId]) -> list[list[ua.ReferenceDescription]]:
    results = await server.browse(_request(nodes, REFERENCES_PER_ANSWER))
    found = [list(result.References) for result in results]
    open_ends = [(n, r.ContinuationPoint) for n, r in enumerate(results) if r.ContinuationPoint]
    while open_ends:
        points = [point for _n, point in open_ends]
        more = ua.BrowseNextParameters(ReleaseContinuationPoints=False, ContinuationPoints=points)
        answers = list(zip(open_ends, await server.browse_next(more), strict=True))
        for (n, _point), answer in answers:
            found[n] += answer.References
        open_ends = [(n, a.ContinuationPoint) for (n, _p), a in answers if a.ContinuationPoint]
    return [_without_properties(references) for references in found]


async def have_children(server: UaClient, nodes: Sequence[ua.NodeId]) -> list[bool]:
    """Whether something is below each node; however much it is, only the beginning is fetched."""
    found: list[bool] = []
    for start in range(0, len(nodes), NODES_PER_REQUEST):
        part = nodes[start : start + NODES_PER_REQUEST]
        results = await server.browse(_request(part, REFERENCES_LOOKED_AT))
        found += [bool(_without_properties(result.References)) for result in results]
        points = [result.ContinuationPoint for result in results if result.ContinuationPoint]
        if points:
            release = ua.BrowseNextParameters(ReleaseContinuationPoints=True, ContinuationPoints=points)
            await server.browse_next(release)
    return found


def _without_properties(references: Sequence[ua.ReferenceDescription]) -> list[ua.ReferenceDescription]:
    return [r for r in references if r.ReferenceTypeId.Identifier != ua.ObjectIds.HasProperty]


def _request(nodes: Sequence[ua.NodeId], most: int) -> ua.BrowseParameters:
    return ua.BrowseParameters(
        RequestedMaxReferencesPerNode=most, NodesToBrowse=[_description(node) for node in nodes]
    )


def _description(node: ua.NodeId) -> ua.BrowseDescription:
    return ua.BrowseDescription(
        NodeId=node,
        BrowseDirection=ua.BrowseDirection.Forward,
        ReferenceTypeId=standard(ua.ObjectIds.HierarchicalReferences),
        IncludeSubtypes=True,
        NodeClassMask=_VARIABLES_AND_OBJECTS,
        ResultMask=int(ua.BrowseResultMask.All),
    )


async def find_nodes(server: UaClient, tags: Sequence[str], namespace: str = "") -> dict[str, ua.NodeId]:
    """Node ids of external tags: a node id as written, or a name that is unique below Objects.

    A name is a browse name, the text of a string node id, or ``Folder.Name``. A node id that cannot be one
    (``i=abc``) is left out.
    """
    written = {tag: node_id(tag) for tag in tags if NODE_ID.match(tag)}
    found = {tag: node for tag, node in written.items() if node is not None}
    names = [tag for tag in tags if tag not in written]
    if names:
        known = await _names_below_objects(server, set(names), namespace)
        found |= {name: node for name in names if (node := known.get(name)) is not None}
    return found


def node_id(text: str) -> ua.NodeId | None:
    """A node id as written, None when it is none that can be sent."""
    try:
        node = ua.NodeId.from_string(text)
        nodeid_to_binary(node)
    except (ua.UaError, ValueError, TypeError, struct.error):
        return None
    return node


async def _names_below_objects(
    server: UaClient, wanted: set[str], namespace: str
) -> dict[str, ua.NodeId | None]:
    """Name → node; None marks a name that several nodes bear."""
    known: dict[str, ua.NodeId | None] = {}
    level: list[tuple[ua.NodeId, str]] = [(standard(ua.ObjectIds.ObjectsFolder), "")]
    seen: set[ua.NodeId] = {_SERVER}
    for _depth in range(DEEPEST):
        if not level or len(seen) > MOST_NODES:
            break
        below = await children_of(server, [node for node, _name in level])
        next_level: list[tuple[ua.NodeId, str]] = []
        for (_node, parent), references in zip(level, below, strict=True):
            for reference in references:
                node = _local(reference.NodeId)
                if node in seen:
                    continue
                seen.add(node)
                next_level.append((node, reference.BrowseName.Name))
                if reference.NodeClass == ua.NodeClass.Variable and _in_namespace(node, namespace):
                    for name in _names(reference, node, parent) & wanted:
                        known[name] = node if known.get(name, node) == node else None
        level = next_level
    return known


def _names(reference: ua.ReferenceDescription, node: ua.NodeId, parent: str) -> set[str]:
    name = reference.BrowseName.Name
    return {name, f"{parent}.{name}", str(node.Identifier)}


def _in_namespace(node: ua.NodeId, namespace: str) -> bool:
    """``namespace`` as ``ns=2`` or ``2``; empty means any."""
    index = namespace.removeprefix("ns=").strip(";")
    return not index.isdigit() or node.NamespaceIndex == int(index)


def _local(node: ua.NodeId) -> ua.NodeId:
    return ua.NodeId(node.Identifier, node.NamespaceIndex, node.NodeIdType)


async def browse_entries(server: UaClient, node: ua.NodeId) -> list[BrowseEntry]:
    """The children of a node, variables with unit and engineering range where the server tells them."""
    return list((await browse_page(server, node, 0, MOST_NODES)).entries)


async def browse_page(server: UaClient, node: ua.NodeId, offset: int, limit: int) -> BrowsePage:
    """Some of the children of a node: all are named by the server, these alone are looked at closely."""
    (below,) = await children_of(server, [node])
    every = [reference for reference in below if _local(reference.NodeId) != _SERVER]
    references = every[offset : offset + limit]
    nodes = [_local(reference.NodeId) for reference in references]
    parents = await have_children(server, nodes)
    limits = await _properties(server, nodes, "EURange")
    units = await _properties(server, nodes, "EngineeringUnits")
    rows = zip(references, nodes, parents, limits, units, strict=True)
    return BrowsePage([_entry(*row) for row in rows], len(every))


def _entry(
    reference: ua.ReferenceDescription,
    node: ua.NodeId,
    has_children: bool,
    limits: object,
    unit: object,
) -> BrowseEntry:
    return BrowseEntry(
        id=node.to_string(),
        name=reference.DisplayName.Text or reference.BrowseName.Name,
        has_children=has_children,
        unit=(unit.DisplayName.Text or "") if isinstance(unit, ua.EUInformation) else "",
        is_variable=reference.NodeClass == ua.NodeClass.Variable,
        low=limits.Low if isinstance(limits, ua.Range) else None,
        high=limits.High if isinstance(limits, ua.Range) else None,
    )


async def _properties(server: UaClient, nodes: Sequence[ua.NodeId], name: str) -> list[object]:
    """The value of one property of each node, None where it has none."""
    values: list[object] = [None] * len(nodes)
    for start in range(0, len(nodes), NODES_PER_REQUEST):
        paths = [_property_path(node, name) for node in nodes[start : start + NODES_PER_REQUEST]]
        answers = await server.translate_browsepaths_to_nodeids(paths)
        have = [(start + n, _local(a.Targets[0].TargetId)) for n, a in enumerate(answers) if a.Targets]
        if have:
            read = await server.read_attributes([node for _n, node in have], ua.AttributeIds.Value)
            for (n, _node), value in zip(have, read, strict=True):
                values[n] = value.Value.Value if value.Value is not None else None
    return values


def _property_path(node: ua.NodeId, name: str) -> ua.BrowsePath:
    element = ua.RelativePathElement(
        ReferenceTypeId=standard(ua.ObjectIds.HasProperty),
        IsInverse=False,  # type: ignore[arg-type]  # asyncua's own Boolean is a bool
        IncludeSubtypes=True,  # type: ignore[arg-type]
        TargetName=ua.QualifiedName(name, 0),
    )
    return ua.BrowsePath(StartingNode=node, RelativePath=ua.RelativePath([element]))
