"""The shape of the program, checked: floors, pure words, clean files, no word on how or where it was made."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "optria"
LINES = 400
FILES = sorted(SOURCE.rglob("*.py"))
TEXT = {
    ".py",
    ".md",
    ".toml",
    ".txt",
    ".in",
    ".json",
    ".yml",
    ".yaml",
    ".html",
    ".css",
    ".js",
    ".mjs",
    ".sh",
    ".sql",
}
FOLDERS = "|".join(rf"(?<![\w.])/{name}/" for name in ("work", "tmp", r"home/\w+"))
REGISTRIES = r"(registry|pypi|files)\.(npmjs|org|pythonhosted)|--(extra-)?index-url|\.\./share" + "d"
ELSEWHERE = re.compile(f"{FOLDERS}|{REGISTRIES}")


def names_of(pattern: str) -> Iterator[tuple[Path, ast.AST]]:
    for file in SOURCE.rglob(pattern):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            yield file, node


def tracked() -> list[Path]:
    """The files of the repository; without git, everything that is not made."""
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True, check=False
    )
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if name]
    made = {".venv", "node_modules", ".git"}
    return [file for file in ROOT.rglob("*") if file.is_file() and not made & set(file.parts)]


def test_floors_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.clause("G8")
def test_the_stack_is_the_one_that_was_asked_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = {re.split(r"[\[><=;]", wanted)[0] for wanted in project["dependencies"]}
    assert {
        "fastapi",
        "jinja2",
        "sqlalchemy",
        "asyncpg",
        "asyncua",
        "river",
        "alembic",
        "websockets",
    } <= names


@pytest.mark.parametrize("lock", ["run.txt", "dev.txt"])
def test_locked_packages_have_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text("utf-8")
    packages = re.split(r"\n(?=[a-zA-Z0-9])", text.strip())
    assert len(packages) > 50
    assert all("==" in package and "--hash=sha256:" in package for package in packages)
    assert "://" not in text


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for lock, wanted in (
        ("run.txt", project["dependencies"]),
        ("dev.txt", [*project["dependencies"], *project["optional-dependencies"]["dev"]]),
    ):
        text = (ROOT / "requirements" / lock).read_text("utf-8")
        locked = {name.lower() for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}
        missing = {re.split(r"[\[><=;]", one)[0].lower() for one in wanted} - locked
        assert not missing, lock


def test_no_file_says_where_it_was_made() -> None:
    this = Path(__file__).resolve()
    said = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for file in tracked()
        if file.is_file() and (file.suffix in TEXT or file.name in {"Makefile", "run"}) and file != this
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        if ELSEWHERE.search(line)
    ]
    assert said == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_files_stay_small_enough_to_read(file: Path) -> None:
    assert len(file.read_text("utf-8").splitlines()) <= LINES


def test_no_module_is_named_for_nothing() -> None:
    vague = re.compile(r"(^|_)(utils?|helpers?|managers?|common|misc|service)$")
    assert [file.name for file in FILES if vague.search(file.stem)] == []


def test_tasks_have_an_owner() -> None:
    """Background work runs in a task group or under the supervisor, so that no failure is lost."""
    bare = [
        f"{file.relative_to(SOURCE)}:{node.lineno}"
        for file, node in names_of("**/*.py")
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"asyncio.create_task", "asyncio.ensure_future"}
    ]
    assert bare == []


def test_only_the_transaction_commits() -> None:
    commits = {
        str(file.relative_to(SOURCE))
        for file, node in names_of("**/*.py")
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "commit"
        and "connection" not in ast.unparse(node.func.value)
    }
    assert commits <= {"db/session.py", "simulator/sql_feed.py"}


def test_core_and_causes_hold_frozen_values_only() -> None:
    thawed = [
        f"{file.relative_to(SOURCE)}: {node.name}"
        for floor in ("core", "rca")
        for file, node in names_of(f"{floor}/**/*.py")
        if isinstance(node, ast.ClassDef)
        for decorator in node.decorator_list
        if "dataclass" in ast.unparse(decorator)
        and not ("frozen=True" in ast.unparse(decorator) and "slots=True" in ast.unparse(decorator))
    ]
    assert thawed == []


def test_the_present_comes_from_one_clock() -> None:
    calls = [
        f"{file.relative_to(SOURCE)}:{node.lineno}"
        for file, node in names_of("**/*.py")
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
        and file != SOURCE / "kit" / "clock.py"
    ]
    assert calls == []


def test_wheel_carries_pages_and_migrations() -> None:
    """What the wheel packs exists, and the program finds it in a checkout."""
    from optria.db.upgrade import migrations_folder

    assert (migrations_folder() / "env.py").is_file()
    assert sorted(file.name for file in (migrations_folder() / "versions").glob("0001_*.py"))
    assert (ROOT / "templates").is_dir()
    hook = (ROOT / "scripts" / "hatch_build.py").read_text("utf-8")
    assert "optria/_templates" in hook
    assert "optria/_migrations" in hook
