"""The documents say what is the case: examples run, commands exist, links lead somewhere."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from optria.cli import command_line
from optria.core.work_order import VERBS
from optria.db.seed import OWNER, PEOPLE
from optria.kit.settings import Settings
from optria.web.permits import routes_of
from optria.web.server import ROUTERS

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "optria"
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
README = (ROOT / "README.md").read_text("utf-8")
OF_THE_TESTS = {"OPTRIA_TEST_POOLER", "OPTRIA_KILLS"}
"""Variables that only the tests read."""


@pytest.mark.parametrize("example", sorted(ROOT.glob("examples/*.py")), ids=lambda path: path.name)
def test_example_runs_and_says_something(example: Path) -> None:
    ran = subprocess.run(
        [sys.executable, str(example)], capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text("utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_command_and_option_of_the_readme_exists() -> None:
    for line in re.findall(r"^\| `optria ([^`]+)`", README, flags=re.MULTILINE):
        words = line.split()
        command = [word for word in words if word.isalpha() and word.islower()]
        shown = CliRunner().invoke(command_line(), [*command, "--help"], terminal_width=200)
        assert shown.exit_code == 0, f"optria {line}: {shown.output}"
        for option in re.findall(r"--[a-z-]+", line):
            assert option in shown.output, f"optria {line} has no {option}"


def test_every_account_of_the_readme_is_an_account() -> None:
    for person in (*PEOPLE, OWNER):
        assert person.email in README
        assert person.password in README


def test_every_make_target_of_the_documents_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for document in DOCUMENTS:
        for target in re.findall(r"(?:`|^)make ([a-z-]+)", document.read_text("utf-8"), flags=re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), f"{document.name}: {target}"


@pytest.mark.parametrize("writer", ["write_permissions", "write_faults"])
def test_the_tables_of_the_documents_are_those_of_the_program(writer: str) -> None:
    command = [sys.executable, "-m", f"scripts.{writer}", "--check"]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
    assert checked.returncode == 0, checked.stderr


def test_the_moves_of_an_order_are_those_of_the_program() -> None:
    told = (ROOT / "docs" / "work-orders.md").read_text("utf-8")
    rows = re.findall(r"^\| (\w+) \| (\w+(?:, \w+)*) \| (\w+) \| (\w+) \|$", told, flags=re.MULTILINE)
    moves = [(name, ", ".join(verb.sources), verb.target, verb.needs) for name, verb in VERBS.items()]
    assert [row for row in rows if row[0] != "verb"] == moves


def test_every_setting_is_documented_and_no_other() -> None:
    told = (ROOT / "docs" / "settings.md").read_text("utf-8")
    known = {f"OPTRIA_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"OPTRIA_[A-Z_]*[A-Z]", told)) == known
    for document in DOCUMENTS:
        named = set(re.findall(r"OPTRIA_[A-Z_]*[A-Z]", document.read_text("utf-8")))
        assert named - OF_THE_TESTS <= known, document.name


def test_every_address_of_the_documents_is_a_route() -> None:
    app = FastAPI()
    for router in ROUTERS:
        app.include_router(router)
    known = [
        re.compile(re.sub(r"{[^}]*}", "[^/]+", route.path.rstrip("/"))) for route in routes_of(app.routes)
    ]
    for document in DOCUMENTS:
        for address in re.findall(r"/api/[\w/{}.-]*[\w}]", document.read_text("utf-8")):
            assert any(path.fullmatch(address) for path in known), f"{document.name}: {address}"


def test_every_module_of_the_documents_exists() -> None:
    for document in DOCUMENTS:
        for name in re.findall(r"`([\w/.-]*/[\w.-]+\.(?:py|md|sh))`", document.read_text("utf-8")):
            assert (ROOT / name).is_file() or (SOURCE / name).is_file(), f"{document.name}: {name}"


def test_every_type_of_webhook_message_of_the_documents_is_sent() -> None:
    told = (ROOT / "docs" / "notifications.md").read_text("utf-8")
    kinds = re.findall(r"^\| `((?!OPTRIA_)[A-Z_]+)` \| [a-z]", told, flags=re.MULTILINE)
    program = "\n".join(path.read_text("utf-8") for path in SOURCE.rglob("*.py"))
    assert len(kinds) >= 4
    ways = (r'notification_type="(\w+)"', r'Fact\(f"[^"]*", "(\w+)"')
    assert set(kinds) == {kind for way in ways for kind in re.findall(way, program)}


@contextmanager
def served(home: Path) -> Iterator[dict[str, str]]:
    """The product with one administrator, and the environment for commands about it."""
    environment = {**os.environ, "OPTRIA_HOME": str(home), "OPTRIA_LOG_LEVEL": "ERROR"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    command = ["optria", "serve", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as product:
        try:
            assert product.stdout is not None
            environment["SERVER"] = product.stdout.readline().split()[-1]
            person = "--tenant JUBAIL --role tenant_admin --email admin@jubail.example --password-stdin"
            first = f"optria tenant add JUBAIL 'Jubail Gas Plant' && optria user add {person}"
            words = "a passphrase of your own"
            subprocess.run(
                ["sh", "-c", first], env=environment, check=True, input=words, text=True, timeout=120
            )
            yield environment
        finally:
            product.terminate()


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="no curl or openssl here")
def test_the_commands_of_the_documents_run(tmp_path: Path) -> None:
    """Every ``sh`` block, in order, in one shell that ends at the first failure."""
    names = ("access.md", "configuration.md", "work-orders.md")
    text = "\n".join((ROOT / "docs" / name).read_text("utf-8") for name in names)
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 8
    folder = tmp_path / "shell"
    folder.mkdir()
    with served(tmp_path / "home") as environment:
        ran = subprocess.run(
            ["sh", "-ex"],
            input="\n".join(blocks),
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "idempotency-replayed: true" in ran.stdout
    assert "broken: 0" in ran.stdout
    assert '"reason":"New coupling"' in ran.stdout
    assert '"status":"closed"' in ran.stdout
    assert "2026-11: 0 (this key encrypts)" in ran.stdout
