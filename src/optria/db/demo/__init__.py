"""Data of the demonstration tenant, as JSON files beside this one."""

import json
from importlib.resources import files
from typing import Any


def read(name: str) -> Any:
    """The content of ``<name>.json``."""
    return json.loads(files(__name__).joinpath(f"{name}.json").read_text("utf-8"))


def exists(name: str) -> bool:
    return files(__name__).joinpath(f"{name}.json").is_file()
