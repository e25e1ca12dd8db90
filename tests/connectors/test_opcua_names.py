"""Large address spaces are browsed by many small answers, and shown a page at a time."""

from typing import cast

from asyncua import ua
from asyncua.client.ua_client import UaClient

from optria.connectors.opcua_names import (
    REFERENCES_LOOKED_AT,
    REFERENCES_PER_ANSWER,
    browse_page,
    children_of,
    have_children,
)

COUNT = 10_500
FOLDER = ua.NodeId(ua.String("Folder"), ua.Int16(2))
LEAF = ua.NodeId(ua.String("Leaf"), ua.Int16(2))


class LargeServer:
    """A folder with many variables; answers have no more references than asked for, the rest on request."""

    def __init__(self) -> None:
        self._points: dict[bytes, tuple[list[ua.ReferenceDescription], int]] = {}
        self.largest = self.looked_at = 0
        self._all = [_reference(number) for number in range(COUNT)]

    async def browse(self, asked: ua.BrowseParameters) -> list[ua.BrowseResult]:
        most = asked.RequestedMaxReferencesPerNode
        below = [self._all if each.NodeId == FOLDER else [] for each in asked.NodesToBrowse]
        return [self._answer(each, most) for each in below]

    async def browse_next(self, asked: ua.BrowseNextParameters) -> list[ua.BrowseResult]:
        waiting = [self._points.pop(point) for point in asked.ContinuationPoints]
        return [] if asked.ReleaseContinuationPoints else [self._answer(*each) for each in waiting]

    def _answer(self, references: list[ua.ReferenceDescription], most: int) -> ua.BrowseResult:
        self.largest = max(self.largest, min(len(references), most))
        point = None
        if len(references) > most:
            point = str(len(references)).encode()
            self._points[point] = references[most:], most
        return ua.BrowseResult(ContinuationPoint=point, References=references[:most])

    async def translate_browsepaths_to_nodeids(self, paths: list[ua.BrowsePath]) -> list[ua.BrowsePathResult]:
        self.looked_at += len(paths)
        return [ua.BrowsePathResult() for _ in paths]

    @property
    def open_points(self) -> int:
        return len(self._points)


def _reference(number: int) -> ua.ReferenceDescription:
    return ua.ReferenceDescription(
        ReferenceTypeId=ua.NodeId(ua.Int32(ua.ObjectIds.HasComponent)),
        NodeId=ua.ExpandedNodeId(ua.String(f"T-{number:05}"), ua.Int16(2)),
        BrowseName=ua.QualifiedName(f"T-{number:05}", 2),
        DisplayName=ua.LocalizedText(f"T-{number:05}"),
        NodeClass=ua.NodeClass.Variable,
    )


async def test_a_large_folder_comes_in_many_answers() -> None:
    server = LargeServer()
    (found,) = await children_of(cast("UaClient", server), [FOLDER])
    assert [reference.BrowseName.Name for reference in found] == [f"T-{n:05}" for n in range(COUNT)]
    assert server.largest == REFERENCES_PER_ANSWER
    assert not server.open_points


async def test_of_a_page_alone_more_is_asked_than_the_name() -> None:
    server = LargeServer()
    page = await browse_page(cast("UaClient", server), FOLDER, 10_400, 500)
    assert page.total == COUNT
    assert [entry.name for entry in page.entries] == [f"T-{n:05}" for n in range(10_400, COUNT)]
    assert server.looked_at == 2 * 100


async def test_whether_something_is_below_needs_the_beginning_only() -> None:
    server = LargeServer()
    assert await have_children(cast("UaClient", server), [FOLDER, LEAF]) == [True, False]
    assert server.largest == REFERENCES_LOOKED_AT
    assert not server.open_points
