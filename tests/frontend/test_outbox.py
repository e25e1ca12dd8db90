"""The outbox of work orders: its node tests, run with the rest."""

import shutil
import subprocess
from pathlib import Path

import pytest

CASES = Path(__file__).parent / "outbox.test.mjs"
NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="no node on this machine")
def test_the_outbox_keeps_sends_and_asks() -> None:
    assert NODE is not None
    ran = subprocess.run([NODE, "--test", CASES], capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "# pass 0" not in ran.stdout
