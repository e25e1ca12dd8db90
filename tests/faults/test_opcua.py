"""Rows 12 to 17: what happens to an OPC UA server, to the way to it, and to certificates of both sides."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from asyncua.crypto.truststore import TrustStore as ServersStore
from asyncua.crypto.validator import CertificateValidator, CertificateValidatorOptions
from sqlalchemy import func, select

from optria.connectors.base import LinkState
from optria.connectors.opcua_security import own_path, pki_of
from optria.connectors.opcua_session import application_uri
from optria.connectors.opcua_trust import TrustStore
from optria.core.errors import ConnectorRefused
from optria.db.blackbox import EventRow
from optria.db.session import Database
from optria.db.work import NotificationRow
from optria.kit import clock
from tests.fakes.certificates import made
from tests.fakes.plant import FakePlant
from tests.fakes.plant_line import Certificates, Forgetful, PlantLine, plant_line, ticking
from tests.fakes.waiting import until
from tests.faults.figures import Figures, Scale

PERIOD_S = 0.1


@asynccontextmanager
async def running(
    database: Database, home: Path, plant: FakePlant, **more: object
) -> AsyncGenerator[PlantLine]:
    plant.tick()
    async with ticking(plant, PERIOD_S), plant_line(database, home, plant, **more) as line:  # type: ignore[arg-type]
        await line.flowing()
        yield line


def load(line: PlantLine, measured: int) -> str:
    return f"{measured:,} samples at {len(line.plant.names) / PERIOD_S:,.0f}/s"


async def tell(line: PlantLine, figures: Figures) -> None:
    """Stop measuring is up to the caller; everything that was measured must have come."""
    await line.caught_up()
    tally = line.tally()
    figures.load = load(line, tally.measured)
    figures.lost, figures.duplicated = tally.lost, tally.duplicated


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("kind", [FakePlant])
async def test_server_restarts(
    database: Database, tmp_path: Path, scale: Scale, figures: Figures, kind: type[FakePlant]
) -> None:
    """The session is gone with the server: another one is made, and history fills the time between."""
    async with running(database, tmp_path, kind(scale.of(50, 20))) as line:
        for _ in range(scale.of(3, 1)):
            await line.stop_server()
            await line.until(LinkState.LOST)
            await asyncio.sleep(scale.of(8.0, 0.3))
            await line.start_server()
            back_at = now()
            await line.flowing()
            recovered_s = now() - back_at
            figures.recovered_s = max(figures.recovered_s or 0.0, recovered_s)
        await tell(line, figures)
        assert line.source.backfilled > 0
    assert (figures.lost, figures.duplicated) == (0, 0)
    if scale.full:
        assert (figures.recovered_s or 0.0) < 5.0


@pytest.mark.parametrize("kind", [FakePlant, Forgetful])
async def test_link_cut(
    database: Database, tmp_path: Path, scale: Scale, figures: Figures, kind: type[FakePlant]
) -> None:
    """The server keeps session and queue: nothing is lost, also where it has no history at all."""
    async with running(database, tmp_path, kind(scale.of(60, 20))) as line:
        before = line.source.backfilled
        await line.proxy.cut(scale.of(15.0, 0.5))
        back_at = now()
        await line.flowing()
        figures.recovered_s = now() - back_at
        await tell(line, figures)
        assert line.source.backfilled == before, "the queue of the server was enough"
    assert (figures.lost, figures.duplicated) == (0, 0)


async def test_black_hole(database: Database, tmp_path: Path, scale: Scale, figures: Figures) -> None:
    """Nothing is refused and nothing comes: that is noticed by the silence, and no task hangs in it."""
    async with running(database, tmp_path, FakePlant(scale.of(50, 20))) as line:
        await line.proxy.black_hole()
        began_at = now()
        await line.until(LinkState.LOST)
        figures.notes.append(f"noticed after {now() - began_at:.1f} s")
        noticed_s = now() - began_at
        await until(lambda: line.supervisor.states["source"].restarts >= 2)
        figures.notes.append("connecting into it ends as well")
        await asyncio.sleep(scale.of(5.0, 0.0))
        line.proxy.clear()
        back_at = now()
        await line.flowing()
        figures.recovered_s = now() - back_at
        await tell(line, figures)
    assert (figures.lost, figures.duplicated) == (0, 0)
    if scale.full:
        assert noticed_s < 3.5


@pytest.mark.parametrize("kind", [FakePlant, Forgetful])
async def test_longer_than_the_queue(
    database: Database, tmp_path: Path, scale: Scale, figures: Figures, kind: type[FakePlant]
) -> None:
    """What the queue had to drop comes from history; where there is none, a gap is marked and said."""
    queue = scale.of(50, 5)
    async with running(database, tmp_path, kind(scale.of(60, 20)), max_queue=queue) as line:
        await line.proxy.cut(PERIOD_S * queue * 3)
        back_at = now()
        await line.flowing()
        figures.recovered_s = now() - back_at
        await tell(line, figures)
        marks = line.streams.all
        marked = set(marks.tag[marks.quality == 2].tolist())
        warning = line.source.warning or ""
    assert figures.duplicated == 0
    if kind is Forgetful:
        assert marked == set(line.tags.values())
        assert "Nothing is known of" in warning
        assert (figures.lost or 0) > 0, "without history the queue was too short"
        figures.notes.append(
            f"no history: {figures.lost:,} samples are a gap, marked on {len(marked)} signals"
        )
        figures.lost = None
    else:
        assert figures.lost == 0
        assert not marked


ASKED = CertificateValidatorOptions.TIME_RANGE | CertificateValidatorOptions.TRUSTED


async def told(database: Database, line: PlantLine) -> tuple[int, int]:
    """Events and notifications about the connection."""
    async with database.transaction(line.tenant_id) as tx:
        events = select(func.count()).where(EventRow.source_type == "CONNECTION_REFUSED")
        notices = select(func.count()).where(NotificationRow.entity_type == "integration")
        return int(await tx.session.scalar(events) or 0), int(await tx.session.scalar(notices) or 0)


async def is_refused(line: PlantLine, database: Database, scale: Scale, says: str) -> None:
    """A clear status, told once, the next try minutes away, and no value by a way with less security."""
    states = line.supervisor.states
    await until(lambda: "source" in states and states["source"].restarts and not states["source"].running)
    tries, values = states["source"].restarts, len(line.streams.taken)
    assert line.source.state == "lost"
    assert says in (line.source.last_error or "")
    await asyncio.sleep(scale.of(10.0, 1.3))
    assert states["source"].restarts == tries, "tried again too soon"
    assert len(line.streams.taken) == values, "values came although the certificate is refused"
    line.supervisor.wake("source")
    await until(lambda: states["source"].restarts > tries)
    assert len(line.streams.taken) == values
    assert await told(database, line) == (1, 1)


@pytest.mark.parametrize(
    ("expires", "says"),
    [
        (-timedelta(days=1), "refuses our certificate as expired"),
        (timedelta(days=9), "BadCertificateUntrusted"),
    ],
)
async def test_certificate_of_ours(
    database: Database, tmp_path: Path, scale: Scale, figures: Figures, expires: timedelta, says: str
) -> None:
    """The server also offers a connection without security: that is never what we fall back to."""
    ours = made("OPTRIA IQ", uri=application_uri(), hosts=(), expires_at=clock.now() + expires)
    ours.own(own_path(tmp_path))
    known = tmp_path / "known"
    known.mkdir()
    (known / "somebody.der").write_bytes(made("Somebody else").der)
    store = ServersStore([known], [])
    await store.load()
    plant = FakePlant(scale.of(50, 10))
    plant.tick()
    admits = CertificateValidator(ASKED | CertificateValidatorOptions.PEER_CLIENT, store)
    async with ticking(plant, PERIOD_S), plant_line(database, tmp_path, plant, admits=admits) as line:
        await is_refused(line, database, scale, says)
        fresh = made("OPTRIA IQ", uri=application_uri(), hosts=())
        fresh.own(own_path(tmp_path))
        (known / "ours.der").write_bytes(fresh.der)
        await store.load()
        back_at = now()
        line.supervisor.wake("source")
        await line.flowing()
        figures.recovered_s = now() - back_at
        await tell(line, figures)
        figures.notes.append(f"next try after {ConnectorRefused.SLOW_RETRY_S:.0f} s, no downgrade, told once")
    assert (figures.lost, figures.duplicated) == (0, 0)


@pytest.mark.parametrize("is_pinned", [True, False])
async def test_certificate_of_theirs(
    database: Database, tmp_path: Path, scale: Scale, figures: Figures, *, is_pinned: bool
) -> None:
    """Whether the old one was pinned in the connection or trusted by the installation."""
    old, new = made(), made("Stranger")
    shown = Certificates(old.own(tmp_path / "old.pem"))
    store = TrustStore(pki_of(tmp_path))
    config: dict[str, object] = {"server_certificate_sha256": shown.shown.sha256 if is_pinned else ""}
    if not is_pinned:
        store.trust(old.certificate)
    plant = FakePlant(scale.of(50, 10))
    async with running(database, tmp_path, plant, certificates=shown, **config) as line:
        await line.stop_server()
        await line.until(LinkState.LOST)
        shown.shown = new.own(tmp_path / "new.pem")
        await line.start_server()
        says = "another certificate than the one pinned" if is_pinned else "not trusted yet: SHA-256"
        await until(lambda: says in (line.source.last_error or ""))
        await is_refused(line, database, scale, says)
        if is_pinned:
            figures.notes.append("refused by the pin, told once")
            return
        assert [each.subject for each in store.rejected().values()] == [new.certificate.subject]
        store.trust(new.certificate)
        back_at = now()
        line.supervisor.wake("source")
        await line.flowing()
        figures.recovered_s = now() - back_at
        await tell(line, figures)
        figures.notes.append("refused by the trust store, told once, trusted, backfilled")
    assert (figures.lost, figures.duplicated) == (0, 0)
