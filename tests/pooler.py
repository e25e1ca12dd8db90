"""A PgBouncer in transaction mode between the product and the server of the tests."""

import os
import pwd
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from tests.fakes.programs import free_port, libraries, program

PATIENCE_S: Final = 20.0
SETTINGS: Final = """\
[databases]
* = host=127.0.0.1 port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
pool_mode = transaction
auth_type = scram-sha-256
auth_file = {folder}/people
auth_user = {owner}
auth_query = SELECT usename, passwd FROM pg_shadow WHERE usename = $1
default_pool_size = 20
server_idle_timeout = 5
max_client_conn = 500
ignore_startup_parameters = extra_float_digits, pgbouncer
logfile = {folder}/pooler.log
{account}
"""


@contextmanager
def pooler(server_url: str) -> Iterator[int]:
    """Port of a PgBouncer that reaches every database of the server at ``server_url`` (its owner's)."""
    found = program("pgbouncer")
    assert found is not None, (
        "there is no PgBouncer here: run scripts/servers.sh pgbouncer, or install pgbouncer"
    )
    with tempfile.TemporaryDirectory(prefix="optria-pooler-") as folder:
        port = free_port()
        process = subprocess.Popen(
            [found, str(_settings(server_url, Path(folder), port))],
            env=os.environ | {"LD_LIBRARY_PATH": libraries()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait(process, port, Path(folder) / "pooler.log")
            yield port
        finally:
            process.kill()
            process.wait()


def through(url: str, port: int) -> str:
    """The same database by way of the pooler."""
    parts = urlsplit(url)
    person, _, _place = parts.netloc.rpartition("@")
    query = "&".join(part for part in (parts.query, "pgbouncer=true") if part)
    return urlunsplit(parts._replace(netloc=f"{person}@127.0.0.1:{port}", query=query))


def _settings(server_url: str, folder: Path, port: int) -> Path:
    """The configuration and the password file; as root it gives itself up to ``nobody`` once started."""
    owner = urlsplit(server_url)
    account = "user = nobody" if os.geteuid() == 0 else ""
    people = folder / "people"
    people.write_text(f'"{unquote(owner.username or "")}" "{unquote(owner.password or "")}"\n', "utf-8")
    file = folder / "pooler.ini"
    text = SETTINGS.format(
        server_port=owner.port, port=port, folder=folder, owner=owner.username, account=account
    )
    file.write_text(text, "utf-8")
    log = folder / "pooler.log"
    log.touch()
    if account:
        folder.chmod(0o755)
        nobody = pwd.getpwnam("nobody")
        for path in (people, file, log):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
    return file


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"PgBouncer did not start: {log.read_text('utf-8', 'replace')[-500:]}")
