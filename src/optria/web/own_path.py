"""Addresses that somebody sent and that lead on only when they are ours."""

FIRST_PAGE = "/digital-twin"


def own_path(path: str) -> str:
    """``path`` if it is one of ours, else the first page: never an address elsewhere.

    Browsers read a backslash as a slash and leave tabs and line ends out, so a path has none of them.
    """
    odd = any(char == "\\" or char.isspace() or not char.isprintable() for char in path)
    return path if path.startswith("/") and not path.startswith("//") and not odd else FIRST_PAGE
