"""Hosts and files that the connections of an installation may reach."""

from pathlib import Path

import pytest

from optria.connectors import make_connector
from optria.connectors.allowed_hosts import EVERYWHERE, Reach
from optria.core.errors import ConfigurationError, ConnectorUnavailable
from optria.kit.settings import Settings


def reach(hosts: str) -> Reach:
    return Reach.of(Settings(connector_hosts=hosts))


@pytest.mark.parametrize(
    ("hosts", "host", "allowed"),
    [
        ("", "127.0.0.1", True),
        ("", "localhost", True),
        ("", "169.254.169.254", False),
        ("127.0.0.0/8", "127.0.0.1", True),
        ("127.0.0.0/8, ::1", "localhost", True),
        ("10.0.0.0/8", "127.0.0.1", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.4", False),
        ("LocalHost.", "LOCALHOST", True),
        ("localhost", "127.0.0.1", False),
        ("*.plant.test, 10.0.0.0/8", "127.0.0.1", False),
        ("169.254.0.0/16", "169.254.169.254", False),
        ("0.0.0.0/0, ::/0", "169.254.169.254", False),
        ("fd00::/8, ::1", "fd00::5", True),
    ],
)
async def test_the_list_decides_and_what_is_always_refused_stays_so(
    hosts: str, host: str, allowed: bool
) -> None:
    if allowed:
        await reach(hosts).check(host, 4840)
    else:
        with pytest.raises(ConnectorUnavailable, match=r"not allowed|not among the hosts"):
            await reach(hosts).check(host, 4840)


@pytest.mark.parametrize(
    ("host", "named"),
    [
        ("pi.plant.invalid", True),
        ("a.b.PLANT.invalid", True),
        ("plant.invalid", False),
        ("pi.plant.invalid.evil.invalid", False),
        ("notplant.invalid", False),
    ],
)
async def test_a_pattern_is_about_whole_labels_below_a_domain(host: str, named: bool) -> None:
    """Nobody knows these names, so what is said tells which check refused."""
    listed = reach("*.plant.invalid")
    if named:
        await listed.check(host, 443, must_be_known=False)
    with pytest.raises(ConnectorUnavailable, match="not known"):
        await listed.check(host, 443, must_be_known=named)


async def test_an_unknown_name_passes_only_where_no_address_decides() -> None:
    await EVERYWHERE.check("no-such-plant.invalid", 4840, must_be_known=False)
    with pytest.raises(ConnectorUnavailable, match="not known"):
        await EVERYWHERE.check("no-such-plant.invalid", 4840)
    with pytest.raises(ConnectorUnavailable, match="not known"):
        await reach("10.0.0.0/8").check("no-such-plant.invalid", 4840, must_be_known=False)


@pytest.mark.parametrize(
    "entry", ["http://plant", "*", "*.", "a..b", "plant:4840", "10.0.0.0/99", "a b", "*a.b"]
)
def test_an_entry_that_is_no_host_is_a_sentence(entry: str) -> None:
    with pytest.raises(ConfigurationError, match="OPTRIA_CONNECTOR_HOSTS is no host"):
        reach(f"plant.test,{entry}")


@pytest.mark.parametrize("kind", ["opcua", "pi", "sql"])
async def test_every_kind_asks_the_list_when_it_connects(kind: str, tmp_path: Path) -> None:
    url = {"opcua": "opc.tcp://{}:1", "pi": "http://{}:1/piwebapi", "sql": "postgresql://{}:1/plant"}[kind]
    connector = make_connector(kind, {"endpoint_url": url.format("127.0.0.1")}, tmp_path, reach("10.0.0.0/8"))
    found = await connector.probe()
    with pytest.raises(ConnectorUnavailable, match="not among the hosts"):
        await connector.run([], lambda _batch: None)
    assert "'127.0.0.1' is not among the hosts" in found.message


def test_files_lie_in_the_installations_folders(tmp_path: Path) -> None:
    home, shared, elsewhere = tmp_path / "home", tmp_path / "shared", tmp_path / "elsewhere"
    for folder in (home / "postgres", shared / "deep", elsewhere):
        folder.mkdir(parents=True)
    (elsewhere / "secret.db").touch()
    (shared / "link.db").symlink_to(elsewhere / "secret.db")
    limited = Reach(folder=shared)
    for path in (home / "plant.db", shared / "a.db", shared / "deep" / "b.db", home / "x" / ".." / "c.db"):
        limited.check_file(path, home)
    refused = (
        elsewhere / "secret.db",
        shared / "link.db",
        shared / ".." / "elsewhere" / "secret.db",
        home / "postgres" / "spool.db",
        home / ".hidden.db",
        tmp_path / "shared.db",
        Path("/etc/passwd"),
    )
    for path in refused:
        with pytest.raises(ConnectorUnavailable, match="outside the folders"):
            limited.check_file(path, home)
    with pytest.raises(ConnectorUnavailable, match="outside the folders"):
        EVERYWHERE.check_file(shared / "a.db", home)
