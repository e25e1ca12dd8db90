"""What a source offers: its tree a level at a time, a search over it, the first few of its tags."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import anyio

from optria.connectors import Connector
from optria.connectors.base import BrowseEntry, Searching
from optria.core.errors import ConnectorUnavailable

BROWSE_TIMEOUT_S: Final = 20.0
MOST_TAGS: Final = 2_000
FOLDERS_TRIED: Final = 40


@contextmanager
def patience() -> Generator[None]:
    """Raises ConnectorUnavailable when the source takes too long."""
    try:
        with anyio.fail_after(BROWSE_TIMEOUT_S):
            yield
    except TimeoutError as error:
        raise ConnectorUnavailable(f"The source did not answer within {BROWSE_TIMEOUT_S:.0f} s.") from error


async def all_tags(
    connector: Connector, most: int = MOST_TAGS, most_folders: int | None = None
) -> list[BrowseEntry]:
    """Every variable below the root, breadth first; at most ``most``, out of at most ``most_folders``."""
    found: list[BrowseEntry] = []
    folders: list[str | None] = [None]
    seen: set[str | None] = {None}
    opened = 0
    while folders and len(found) < most and (most_folders is None or opened < most_folders):
        opened += 1
        for entry in await connector.browse(folders.pop(0)):
            if entry.is_variable:
                found.append(entry)
            if entry.has_children and entry.id not in seen:
                seen.add(entry.id)
                folders.append(entry.id)
    return found[:most]


async def some_tags(connector: Connector, most: int) -> list[str]:
    """The first few tags of a source, found without walking all of it."""
    return [entry.id for entry in await all_tags(connector, most, FOLDERS_TRIED)]


async def search(connector: Connector, text: str) -> list[BrowseEntry]:
    """Tags whose name, id or description has ``text`` in it; asked of the source where it can search."""
    if isinstance(connector, Searching):
        return (await connector.search(text))[:MOST_TAGS]
    wanted = text.casefold()
    return [
        entry
        for entry in await all_tags(connector)
        if wanted in f"{entry.id} {entry.name} {entry.description}".casefold()
    ]
