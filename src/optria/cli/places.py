"""Where the demo keeps its data, and how this program is called."""

import shutil
import sys
from pathlib import Path

DEMO_FOLDER = "demo"
"""Within the data folder."""


def this_program() -> str:
    """How this program is called from where the reader is."""
    if shutil.which("optria"):
        return "optria"
    called = Path(sys.argv[0]).resolve()
    here = Path.cwd()
    return str(called.relative_to(here)) if called.is_relative_to(here) else str(called)
