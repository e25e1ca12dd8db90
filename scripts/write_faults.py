"""Write the table of docs/faults.md: the fault matrix as the tests have it.

``--check`` writes nothing and fails when the file is not what it would be.
"""

import sys
from pathlib import Path

from tests.faults.matrix import FAULTS, Fault

FILE = Path(__file__).parents[1] / "docs" / "faults.md"
BEGIN, END = "<!-- rows -->\n", "<!-- /rows -->"


def line(fault: Fault) -> str:
    proofs = ", ".join(f"`{proof}`" for proof in fault.proofs)
    return f"| {fault.number} | {fault.name} | {fault.must} | {proofs} |"


def page(text: str) -> str:
    """The text with its table as it should be."""
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    table = ["| # | fault | what must happen | tests |", "|---|---|---|---|", *map(line, FAULTS)]
    return f"{before}{BEGIN}{chr(10).join(table)}\n{END}{after}"


def main() -> None:
    text = FILE.read_text("utf-8")
    if "--check" not in sys.argv:
        FILE.write_text(page(text), "utf-8")
    elif page(text) != text:
        raise SystemExit("docs/faults.md is out of date: run make docs.")


main()
