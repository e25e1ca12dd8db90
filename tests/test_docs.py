"""The documents say what is the case: examples run, commands exist, links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from optria.cli import command_line
from optria.db.seed import OWNER, PEOPLE

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("example", sorted(ROOT.glob("examples/*.py")), ids=lambda path: path.name)
def test_example_runs_and_says_something(example: Path) -> None:
    ran = subprocess.run(
        [sys.executable, str(example)], capture_output=True, text=True, timeout=120, check=False
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
