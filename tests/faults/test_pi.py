"""A PI Web API that refuses, is late, breaks off, or answers nonsense."""

import asyncio
import itertools
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse, Response
from structlog.testing import capture_logs

from optria.app.plants import Plants
from optria.app.sources import Connection, Source
from optria.app.streams import Streams
from optria.connectors.allowed_hosts import EVERYWHERE
from optria.connectors.pi_webapi import PiConnector
from optria.core.asset import Asset, PlantModel
from optria.core.errors import ConnectorUnavailable
from optria.core.tag import Quality, SampleBatch, SignalMapping, from_micros, to_micros
from optria.db.session import Database
from optria.kit import clock
from optria.kit.settings import Settings
from optria.kit.supervise import Supervisor
from optria.simulator.pi_server import SERVER, pi_app
from tests.fakes.faulty_pi import FaultyPi, PiFault, Switch
from tests.fakes.plant import FakePlant
from tests.fakes.sources import http_server
from tests.fakes.waiting import until
from tests.faults.figures import Figures, Scale

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
TAGS = 8
EVERY_S = 0.1
SHORT = (PiFault.BROKEN, PiFault.HASTE_WITH_REST, PiFault.CUT_SHORT)
FULL = tuple(fault for fault in PiFault if fault is not PiFault.NONE)


class Plant:
    """A plant behind a PI Web API, read as the product reads it."""

    def __init__(self, number: int, switch: Switch) -> None:
        self.number, self.switch, self.source = number, switch, FakePlant(TAGS)
        self.app = FastAPI(openapi_url=None)
        self.app.mount("/piwebapi", pi_app(self.source, "u", "p"))
        self.app.add_middleware(FaultyPi, switch=switch)
        self.mappings = tuple(
            replace(m, id=m.id + 100 * number, integration_id=number, asset_id=number, scan_s=EVERY_S)
            for m in self.source.mappings()
        )

    def connection(self, port: int) -> Connection:
        config = {
            "endpoint_url": f"http://127.0.0.1:{port}/piwebapi",
            "username": "u",
            "password": "p",
            "request_timeout_s": 0.5,
        }
        return Connection(1, self.number, f"PI {self.number}", "pi", config, self.mappings)


class Reader:
    """Both plants in one stream, each by a supervised source."""

    def __init__(self, plants: list[Plant], home: Path) -> None:
        assets = tuple(Asset(p.number, f"P-{p.number}", "", "Pump", None) for p in plants)
        mappings = tuple(m for plant in plants for m in plant.mappings)
        model = PlantModel(1, assets=assets, mappings=mappings)
        self._settings = Settings(home=home)
        self.streams = Streams(Plants.of([model]), Database(NOWHERE), self._settings)

    @asynccontextmanager
    async def reading(self, connection: Connection) -> AsyncIterator[Source]:
        """One source with a supervisor of its own, ended with the block."""
        source = Source(connection, self.streams, self._settings, EVERYWHERE)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(Supervisor(first_delay_s=0.1).keep(connection.name, source.run))
            try:
                yield source
            finally:
                task.cancel()

    def newest_us(self, plant: Plant) -> int:
        """The time of the sample that is newest in the tag that is furthest behind."""
        latest = [self.streams[1].live.latest(mapping.id) for mapping in plant.mappings]
        return min(each[1] * 1000 if each else 0 for each in latest)

    def missing(self, plant: Plant, since_us: int, until_us: int) -> int:
        """Samples of that time that were made and are not in the stream."""
        recent, lost = self.streams[1].recent, 0
        for mapping in plant.mappings:
            made = {t for t, _, _ in plant.source.rows[mapping.external_tag] if since_us <= t <= until_us}
            window = recent.window(mapping.id, from_micros(since_us), from_micros(until_us))
            lost += len(made - set(window.time.tolist()))
        return lost


class Gaps:
    """The longest time without anything new of a plant."""

    def __init__(self, reader: Reader, plant: Plant) -> None:
        self._tag, self._live = plant.mappings[0].id, reader.streams[1].live
        self.longest_s = self.overall_s = 0.0

    def restart(self) -> None:
        self.overall_s, self.longest_s = max(self.overall_s, self.longest_s), 0.0

    async def watch(self) -> None:
        last, at = None, monotonic()
        while True:
            newest = self._live.latest(self._tag)
            if newest != last:
                last, at = newest, monotonic()
            self.longest_s = max(self.longest_s, monotonic() - at)
            await asyncio.sleep(0.02)


async def _endure(
    reader: Reader, plant: Plant, source: Source, fault: PiFault, for_s: float
) -> tuple[float, list[float], str]:
    """Break it for a while; seconds until it has caught up afterwards, when it was asked, what was said."""
    plant.switch.to(fault)
    await until(lambda: source.state == "lost")
    await until(lambda: plant.switch.refused_at)
    await asyncio.sleep(for_s)
    asked, said = list(plant.switch.refused_at), source.last_error or ""
    plant.switch.to(PiFault.NONE)
    mended, mended_us = monotonic(), to_micros(clock.now())
    await until(lambda: source.state == "connected")
    await until(lambda: reader.newest_us(plant) > mended_us)
    return monotonic() - mended, asked, said


async def test_answers(scale: Scale, figures: Figures, tmp_path: Path) -> None:
    """It is tried less and less often, a rest it asks for is kept, nothing is lost, others go on."""
    broken, sound = Plant(1, Switch()), Plant(2, Switch())
    reader = Reader([broken, sound], tmp_path)
    for_s, broken.switch.rest_s = scale.of(2.5, 0.3), scale.of(2, 1)
    with capture_logs():  # written out in colours, a trace takes a second
        await _answers(scale, figures, broken, sound, reader, for_s)


async def _answers(
    scale: Scale, figures: Figures, broken: Plant, sound: Plant, reader: Reader, for_s: float
) -> None:
    slowest = 0.0
    async with (
        http_server(broken.app) as port,
        http_server(sound.app) as other_port,
        asyncio.TaskGroup() as group,
    ):
        ticking = [group.create_task(plant.source.run(EVERY_S)) for plant in (broken, sound)]
        await asyncio.sleep(2 * EVERY_S)
        async with reader.reading(sound.connection(other_port)) as other:
            await until(lambda: other.state == "connected")
            gaps = Gaps(reader, sound)
            watching = group.create_task(gaps.watch())
            begun_us = to_micros(clock.now())
            for fault in FULL if scale.full else SHORT:
                async with reader.reading(broken.connection(port)) as source:
                    await until(lambda: source.state == "connected")
                    rest_s = 0.9 * broken.switch.rest_s if "rest" in fault else 0.0
                    took_s, asked, said = await _endure(reader, broken, source, fault, max(for_s, rest_s))
                    waits = [b - a for a, b in itertools.pairwise(asked)]
                    assert len(asked) <= 2 + 8 * for_s, f"{fault} was asked {len(asked)} times"
                    assert said.endswith(".")
                    if "rest" in fault:
                        assert all(wait >= broken.switch.rest_s for wait in waits), waits
                        assert f"asks for {broken.switch.rest_s} s of rest" in said
                    slowest = max(slowest, took_s)
                    elsewhere_s = gaps.longest_s
                    said = f"{fault}: {len(asked)} tries, back after {took_s:.1f} s"
                    figures.notes.append(f"{said}, gap elsewhere {elsewhere_s:.2f} s")
                    gaps.restart()
            watching.cancel()
            ended_us = to_micros(clock.now() - timedelta(seconds=1))
            for task in ticking:
                task.cancel()
            assert reader.missing(broken, begun_us, ended_us) == 0
            assert reader.missing(sound, begun_us, ended_us) == 0
    made = sum(begun_us <= t <= ended_us for rows in broken.source.rows.values() for t, _, _ in rows)
    stream = reader.streams[1]
    twice = stream.history.buffered - sum(len(stream.recent.all_of(row)) for row in range(len(stream.roster)))
    assert twice == 0
    figures.load, figures.lost, figures.duplicated = (
        f"{made:,} samples, {len(figures.notes)} faults",
        0,
        twice,
    )
    figures.recovered_s = round(slowest, 1)
    figures.notes.append(f"the other connection's longest gap {gaps.overall_s:.2f} s")
    if scale.full:
        assert gaps.overall_s < for_s, "the other connection stood still as well"


GOOD_ROW = '{"Timestamp": "2026-11-22T13:12:01.5000000Z", "Value": 12.5, "Good": true}'
DEEP = "[" * 10_000 + "]" * 10_000
MALFORMED = {
    '{"Timestamp": "T", "Value": {"Name": "Bad Input", "Value": 255, "IsSystem": true}}': "",
    '{"Timestamp": "T", "Value": 1e999}': "not finite",
    '{"Timestamp": "T", "Value": NaN}': "not finite",
    '{"Timestamp": "T", "Value": -Infinity}': "not finite",
    '{"Timestamp": "T", "Value": ' + "9" * 5_000 + "}": "not finite",
    '{"Timestamp": "T", "Value": -' + "9" * 5_000 + "}": "not finite",
    '{"Timestamp": "T", "Value": "12.5"}': "not a number",
    '{"Timestamp": "T", "Value": null}': "not a number",
    '{"Timestamp": "T", "Value": true}': "not a number",
    '{"Timestamp": "T", "Value": ' + DEEP + "}": "not a number",
    '{"Timestamp": ' + DEEP + ', "Value": 1}': "no time",
    '{"Timestamp": "T", "Value": [1, 2]}': "not a number",
    '{"Timestamp": "99999-01-01T00:00:00Z", "Value": 1}': "no time",
    '{"Timestamp": "2026-11-22T13:12:01", "Value": 1}': "no time",
    '{"Timestamp": 5, "Value": 1}': "no time",
    '{"Value": 1}': "no time",
    '"a text"': "malformed",
    "null": "malformed",
    "[[]]": "malformed",
    DEEP: "malformed",
}


class Nonsense:
    """Answers as PI does, with the text in place of the values."""

    def __init__(self) -> None:
        self.text = '{"Items": []}'
        self.app = FastAPI(openapi_url=None)
        self.app.add_api_route("/dataservers", self.servers)
        self.app.add_api_route("/batch", self.batch, methods=["POST"])
        self.app.add_api_route("/streamsets/{_what}", self.values)

    async def servers(self) -> dict[str, object]:
        return {"Items": [{"WebId": "S", "Name": SERVER, "IsConnected": True, "ServerTime": "soon"}]}

    async def batch(self) -> dict[str, object]:
        return {str(n): {"Status": 200, "Content": {"WebId": f"W{n}"}} for n in range(3)}

    async def values(self, _what: str) -> Response:
        return PlainTextResponse(self.text, media_type="application/json")


MAPPINGS = [SignalMapping(n + 1, 1, 1, f"T{n}", "flow", "m3/h") for n in range(3)]


def _reader(port: int) -> PiConnector:
    return PiConnector({"endpoint_url": f"http://127.0.0.1:{port}", "request_timeout_s": 20.0}, Path())


async def test_malformed(scale: Scale, figures: Figures) -> None:
    """Row by row: what is no value is counted by its reason, and the rest of the answer is taken."""
    times, nonsense = scale.of(500, 5), Nonsense()
    rows = [row.replace('"T"', '"2026-11-22T13:12:01Z"') for row in MALFORMED]
    mixed = ",".join(f"{row},{GOOD_ROW}" for row in rows * min(times, 50))
    strange = '"a text", 5, null, {"WebId": "W2", "Errors": ["No data."]}, {"WebId": 7}'
    async with http_server(nonsense.app) as port:
        reader = _reader(port)
        first, last = f'{{"WebId": "W0", "Items": [{mixed}]}}', f'{{"WebId": "W1", "Value": {GOOD_ROW}}}'
        nonsense.text = f'{{"Items": [{first}, {strange}, {last}]}}'
        taken = SampleBatch.of([])
        for _ in range(max(1, times // 50)):
            taken = await reader.read_latest(MAPPINGS)
        said = reader.link.rejected
    good = taken.quality == Quality.GOOD
    assert set(taken.value[good].tolist()) == {12.5}
    assert int((taken.tag == 1).sum()) == len(rows) * min(times, 50) + min(times, 50)  # and the Bad Inputs
    assert int((taken.tag == 2).sum()) == 1
    looks = max(1, times // 50)
    for reason in set(MALFORMED.values()) - {"", "malformed"}:
        wrong = sum(each == reason for each in MALFORMED.values())
        assert said[reason] == wrong * min(times, 50) * looks, reason
    assert said["no value"] == said["unknown WebId"] == looks
    figures.load = f"{len(rows) * min(times, 50) * looks:,} malformed rows"
    figures.lost = 0
    figures.notes.append(f"refused by reason: {dict(said)}; the valid half of each answer taken")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no PI Web API data"),
        ('{"Items": [', "only a part of it"),
        ('"' + "x" * 20_000_000 + '"', "more than 16 MB"),
    ],
)
async def test_malformed_answers(text: str, said: str, figures: Figures) -> None:
    """An answer that is none, or larger than any, ends in a sentence, in bounded memory."""
    nonsense = Nonsense()
    nonsense.text = text
    async with http_server(nonsense.app) as port:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(ConnectorUnavailable, match=said):
            await _reader(port).read_latest(MAPPINGS)
        grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown_mb < 200
    figures.notes.append(f"{len(text):,} characters: refused, {grown_mb:.0f} MB more at most")


@pytest.mark.parametrize(
    "document", ["null", "[]", '"x"', "7", '{"Items": 3}', DEEP, '{"Items": ' + DEEP + "}"]
)
async def test_malformed_documents(document: str) -> None:
    """JSON of another shape is an empty answer that is counted."""
    nonsense = Nonsense()
    nonsense.text = document
    async with http_server(nonsense.app) as port:
        reader = _reader(port)
        assert len(await reader.read_latest(MAPPINGS)) == 0
    assert reader.link.rejected.total() >= 1
