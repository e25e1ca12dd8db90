"""The built assets are what the sources say, whole, and free of anything the strict policy forbids."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FRONTEND = ROOT / "frontend"
STATIC = ROOT / "src/optria/web/static"
NODE_CHECK = ("node", "build.mjs", "--check")
PAGES = ROOT / "templates"
TEMPLATES = sorted(page for page in PAGES.rglob("*.html") if page.parent.name != "mail")
"""Mails are read by other programs: they have no policy, no style sheet of ours, and one language."""


def test_committed_assets_are_what_the_sources_build() -> None:
    if shutil.which("node") is None or not (FRONTEND / "node_modules/.bin/tailwindcss").exists():
        pytest.skip("node or frontend/node_modules is missing: `npm install` in frontend/ to check the build")
    result = subprocess.run(NODE_CHECK, cwd=FRONTEND, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_manifest_holds_the_sum_of_every_file() -> None:
    manifest = json.loads((STATIC / "manifest.json").read_text("utf-8"))
    present = {str(f.relative_to(STATIC)) for f in STATIC.rglob("*") if f.is_file()} - {"manifest.json"}
    assert set(manifest["files"]) == present
    for name, expected in manifest["files"].items():
        assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == expected, name


def test_lock_names_versions_but_no_address_of_a_registry() -> None:
    lock = json.loads((FRONTEND / "package-lock.json").read_text("utf-8"))
    assert len(lock["packages"]) > 10
    assert not [name for name, package in lock["packages"].items() if "resolved" in package]
    wanted = json.loads((FRONTEND / "package.json").read_text("utf-8"))["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_template_holds_nothing_that_the_policy_blocks(template: Path) -> None:
    text = template.read_text("utf-8")
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"<style", text)
    assert not re.search(r"(?:\sx-[\w:.-]+|\s@[\w:.-]+|\s:[\w-]+)=\"[^\"]*{[{%]", text)
    assert "|safe" not in text.replace(" ", "")


def test_every_sentence_of_the_screens_is_translated_and_compiled() -> None:
    result = subprocess.run(
        [sys.executable, FRONTEND / "catalogue.py", "--check"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_no_template_says_a_sentence_without_translating_it() -> None:
    """Text between tags must come from an expression; names of things and units are free."""
    units = r"\bkWh?\b|\bkg\b|\bCO\b|\bmin\b|\bms\b|\bMiB\b"
    free = rf"OPTRIA IQ|English|\bEN\b|CSV|JSON|UTC|RPN|sha256|data-refresh-on|&\w+;|{units}"
    no_text = r"{% block (?:word_groups|shell_class) %}.*?{% endblock %}|{#.*?#}|{%.*?%}|<svg.*?</svg>"
    bare = {}
    for template in TEMPLATES:
        text = re.sub(no_text, "", template.read_text("utf-8"), flags=re.DOTALL)
        text = re.sub(r"{{.*?}}", "", text, flags=re.DOTALL)
        words = {piece.strip(" \n,.:()") for piece in re.findall(r">([^<>]+)<", text)}
        if left := {w for w in words if re.search(r"[A-Za-z]{2,}", re.sub(free, "", w))}:
            bare[template.name] = left
    assert not bare
