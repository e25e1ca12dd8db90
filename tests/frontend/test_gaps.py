"""What a trend is drawn from, gaps and maintenance: its node tests, run with the rest."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="no node on this machine")
@pytest.mark.parametrize("cases", ["gaps.test.mjs", "trend_data.test.mjs"])
def test_a_gap_lies_between_two_values_and_maintenance_is_a_band(cases: str) -> None:
    assert NODE is not None
    ran = subprocess.run(
        [NODE, "--test", HERE / cases], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "# pass 0" not in ran.stdout
