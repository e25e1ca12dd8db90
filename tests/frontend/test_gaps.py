"""Gaps of trends: their node tests, run with the rest."""

import shutil
import subprocess
from pathlib import Path

import pytest

CASES = Path(__file__).parent / "gaps.test.mjs"
NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="no node on this machine")
def test_a_gap_lies_between_two_values() -> None:
    assert NODE is not None
    ran = subprocess.run([NODE, "--test", CASES], capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "# pass 0" not in ran.stdout
