"""Hand the SQL of every migration to squawk, which knows what stops or endangers a running database."""

import subprocess
import sys
import tempfile
from pathlib import Path

from optria.db.upgrade import as_sql

SQUAWK = Path(sys.executable).with_name("squawk")


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{revision}.sql") for revision in as_sql()]
        for file, sql in zip(files, as_sql().values(), strict=True):
            file.write_text(sql, "utf-8")
        return subprocess.run([SQUAWK, "--config", ".squawk.toml", *files], check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
