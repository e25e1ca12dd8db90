"""A storm: anchors that several writers race for, analysed by servers that are killed in the middle of it.

Run `python -m benchmarks.storm [--anchors 400] [--writers 3] [--servers 2] [--kills 200]`. Every kill is a
SIGKILL of a whole server process that has a written, uncommitted transaction open. One incident, analysis,
order and notification must stand in the database for each anchor; the program ends with 1 where not.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from optria.db.embedded import embedded_server
from optria.db.roles import app_url
from optria.db.session import Database
from optria.db.upgrade import upgrade
from optria.kit import logs
from tests.fakes.prefork import prefork
from tests.faults.storm import PROCESSES, Counts, Size, Storm, furnished

PASSWORD = "of-this-benchmark"


async def storm(size: Size, home: Path, within_s: float) -> tuple[Storm, Counts, float]:
    """What was counted in the end, and the seconds that it took."""
    async with embedded_server(home) as server:
        await upgrade(server.url(), password=PASSWORD)
        url = app_url(server.url(), PASSWORD)
        database = Database(url)
        try:
            with prefork(PROCESSES) as forks:
                plant = await furnished(database, size.anchors)
                raging = Storm(plant, size, url, server.url(), home / "data", forks, _say)
                begun = monotonic()
                return raging, await raging.run(within_s), monotonic() - begun
        finally:
            await database.dispose()


def report(size: Size, raging: Storm, counts: Counts, took_s: float) -> bool:
    """Print the figures; whether all of them are right."""
    each = {
        "incidents": counts.incidents,
        "analyses": counts.analyses,
        "orders": counts.orders,
        "notifications": counts.notifications,
    }
    print(f"anchors          {size.anchors} x {size.writers} writers")
    for name, number in each.items():
        print(f"{name:<16} {number}")
    print(f"duplicates       {counts.doubled}")
    print(f"lost             {counts.lost(size.anchors)}")
    print(f"kills            {raging.kills} with work in flight, of {raging.begun} servers begun")
    print(f"wall time        {took_s:.0f} s")
    right = all(number == size.anchors for number in each.values())
    held = right and not counts.doubled and raging.kills >= size.kills
    print("held" if held else "MISS")
    return held


def main(words: Sequence[str]) -> int:
    asked = _asked(words)
    logs.configure("ERROR")
    size = Size(asked.anchors, asked.writers, asked.servers, asked.kills, whole_servers=True)
    with tempfile.TemporaryDirectory(prefix="optria-storm-", ignore_cleanup_errors=True) as home:
        raging, counts, took_s = asyncio.run(storm(size, Path(home), asked.within))
    held = report(size, raging, counts, took_s)
    if asked.json:
        figures = {name: getattr(counts, name) for name in counts.__slots__}
        asked.json.write_text(json.dumps(figures | {"kills": raging.kills, "wall_s": round(took_s, 1)}))
    return int(not held)


def _say(line: str) -> None:
    print(line, flush=True)


def _asked(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Anchors, racing writers, and servers that are killed.")
    parser.add_argument("--anchors", type=int, default=400)
    parser.add_argument("--writers", type=int, default=3)
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--within", type=float, default=1800, help="seconds")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser.parse_args(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
