"""Which browser and system a session was begun with, in the few words that people know them by."""

from typing import Final

BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
"""What a user agent holds, the most telling first: Edge also says Chrome, and Chrome Safari."""
SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def browser_of(agent: str | None) -> str:
    """``Firefox, Windows``; of a program what it calls itself, "" of one that says nothing."""
    text = agent or ""
    browser = next((name for sign, name in BROWSERS if sign in text), "")
    system = next((name for sign, name in SYSTEMS if sign in text), "")
    return ", ".join(part for part in (browser, system) if part) or text[:60]
