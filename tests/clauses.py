"""Which test proves which clause of the requirements: `python -m tests.clauses`.

Collects the `clause` markers without running anything; exits 1 when a clause has no test.
"""

import contextlib
import io
import re
import sys

import pytest

RANGES = {"A": 28, "W": 11, "N": 6, "D": 7, "O": 5, "I": 8, "C": 8, "V": 5}
CLAUSES = [f"{letter}{number}" for letter, last in RANGES.items() for number in range(1, last + 1)]
CLAUSES += ["G8", "G9"]


class Proofs:
    """A pytest plug-in that remembers the tests of each clause."""

    def __init__(self) -> None:
        self.tests: dict[str, list[str]] = {clause: [] for clause in CLAUSES}
        self.unknown: dict[str, list[str]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            test = re.sub(r"\[.*", "", item.nodeid)
            for clause in {str(name) for marker in item.iter_markers("clause") for name in marker.args}:
                known = self.tests if clause in self.tests else self.unknown
                if test not in known.setdefault(clause, []):
                    known[clause].append(test)


def report(proofs: Proofs) -> int:
    """Print clause and tests; the number of clauses without a test and of names that are no clause."""
    for clause, tests in proofs.tests.items():
        print(f"{clause:4} {tests[0] if tests else '-- no test --'}")
        for test in tests[1:]:
            print(f"     {test}")
    missing = [clause for clause, tests in proofs.tests.items() if not tests]
    print(f"{len(CLAUSES) - len(missing)} of {len(CLAUSES)} clauses have a test.")
    if missing:
        print("Without a test:", ", ".join(missing))
    return len(missing)


def main() -> int:
    proofs = Proofs()
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = pytest.main(["--collect-only", "-q"], plugins=[proofs])
    if code != pytest.ExitCode.OK:
        print(said.getvalue(), "The tests could not be collected.", sep="\n", file=sys.stderr)
        return 2
    return 1 if report(proofs) else 0


if __name__ == "__main__":
    raise SystemExit(main())
