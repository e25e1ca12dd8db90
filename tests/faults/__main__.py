"""``make faults``: every row of the fault matrix at full length, a line each; exit 1 on a miss.

``python -m tests.faults 1 12-17`` runs only those rows, ``--workers 1`` one test at a time,
``--json FILE`` writes the figures as well.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.faults.matrix import FAULTS, ROWS, Fault
from tests.faults.rows import Rows


def main(words: Sequence[str]) -> int:
    """The number of rows missed, as an exit code."""
    asked = _asked(words)
    chosen = [fault for fault in FAULTS if not asked.rows or fault.number in asked.rows]
    os.environ["OPTRIA_FAULTS"] = "full"
    os.environ[ROWS] = ",".join(str(fault.number) for fault in chosen)
    rows = Rows(chosen, partial(print, flush=True))
    files = {file for fault in chosen for file in files_of(fault)}
    pytest.main([*_options(asked.workers), *sorted(files)], plugins=[rows])
    held = rows.finish()
    if asked.json:
        asked.json.write_text(json.dumps(rows.as_json(), indent=1), "utf-8")
    print(f"{held} of {len(chosen)}")
    return int(held < len(chosen))


def files_of(fault: Fault) -> set[str]:
    """The files of the proofs that are there; a row whose proof is missing does not hold."""
    files = {proof.partition("::")[0] for proof in fault.proofs}
    return {file for file in files if Path(file).exists()}


def _options(workers: int) -> list[str]:
    spread = ["-n", str(workers), "--dist", "loadfile"] if workers > 1 else []
    return [
        "-q",
        "--no-header",
        "--no-summary",
        "--tb=short",
        "-p",
        "no:cacheprovider",
        "-p",
        "tests.faults.selection",
        *spread,
    ]


def _asked(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("make faults", description="The fault matrix at full length.")
    parser.add_argument(
        "rows", nargs="*", default=[], help="numbers and ranges of rows; all when none is given"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(words)
    asked.rows = {number for word in asked.rows for number in _range(word)}
    return asked


def _range(word: str) -> range:
    first, _, last = word.partition("-")
    return range(int(first), int(last or first) + 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
