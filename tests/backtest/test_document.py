"""The commands of docs/back-testing.md run as they stand there, on made-up files."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.backtest.case_folders import write_folder

DOCUMENT = Path(__file__).parents[2] / "docs" / "back-testing.md"


def test_the_commands_of_the_document_run(tmp_path: Path) -> None:
    value = np.random.default_rng(1).normal(20, 1, (500, 2))
    value[450:, 0] += 15
    rows = [f"{row},{a:.3f},{b:.3f},{int(row >= 450)}" for row, (a, b) in enumerate(value)]
    (tmp_path / "pump.csv").write_text("\n".join(["time,PT-101,FT-102,fault", *rows]) + "\n")
    write_folder(tmp_path / "cases")
    blocks = re.findall(r"^```sh\n(.*?)^```", DOCUMENT.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["sh", "-ex"],
        input="\n".join(blocks),
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Anchors: 1" in ran.stdout
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == 501
    assert len((tmp_path / "predictions.jsonl").read_text().splitlines()) == 4
