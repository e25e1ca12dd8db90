"""The command line answers in sentences: what happened, and what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(home: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OPTRIA_HOME": str(home), **settings}
    command = [sys.executable, "-m", "optria", *words]
    return subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    ("words", "settings", "says"),
    [
        (("demo", "--host", "0.0.0.0"), {}, "listens on this machine only"),
        (("demo",), {"OPTRIA_DATABASE_URL": "postgresql://a:b@localhost/c"}, "embedded database only"),
        (("db", "upgrade"), {"OPTRIA_DATABASE_URL": "mysql://a:b@localhost/c"}, "PostgreSQL"),
        (("db", "upgrade"), {"OPTRIA_DATABASE_URL": "postgresql://a:b@127.0.0.1:1/c"}, "127.0.0.1"),
        (("serve",), {"OPTRIA_DATABASE_URL": "postgresql://a:b@127.0.0.1:1/c"}, "127.0.0.1"),
        (("simulate", "fault", "bearing-wear", "P-102B"), {}, "No simulated plant is running"),
        (("simulate", "fault", "bearing-wear", "P-102B", "--ramp", "soon"), {}, "no duration"),
        (("replay", "nothing.csv"), {}, "nothing.csv"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    tmp_path: Path, words: tuple[str, ...], settings: dict[str, str], says: str
) -> None:
    ran = run(tmp_path, *words, **settings)
    assert ran.returncode == 1
    assert ran.stderr.startswith("optria: ")
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_data_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    ran = run(in_the_way, "db", "upgrade")
    assert ran.returncode == 1
    assert "Set OPTRIA_HOME" in ran.stderr


def test_the_database_is_upgraded_once(tmp_path: Path) -> None:
    first, again = run(tmp_path, "db", "upgrade"), run(tmp_path, "db", "upgrade")
    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert first.stdout != again.stdout


def test_the_version_is_told(tmp_path: Path) -> None:
    assert run(tmp_path, "--version").stdout.strip().count(".") == 2


def test_a_plant_ends_with_whoever_started_it(tmp_path: Path) -> None:
    environment = {**os.environ, "OPTRIA_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "optria", "simulate", "--with-parent"]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as plant:
        assert plant.stdout is not None
        assert "OPC UA" in plant.stdout.readline()
        assert plant.stdin is not None
        plant.stdin.close()
        assert plant.wait(timeout=60) == 0
    assert not (tmp_path / "simulator.json").exists()
