"""The files of one labelled case, as they stand in its folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from optria.backtest.recording import Recording, read_recording
from optria.core.errors import Invalid
from optria.core.event import EventCategory, Severity
from optria.rca.case import RawEntry

ROLES = ("history", "query")
_SUMMARIES = ("summary", "message", "text", "description")
_LIMIT_CELLS = ("metric", "value", "limit", "direction", "unit")
_TIMES = ("time", "timestamp", "event_time", "datetime")


@dataclass(frozen=True, slots=True, eq=False)
class CaseFile:
    """One case: ``cause`` None where nobody says it, ``anchor`` None where a detector is to find it."""

    name: str
    role: str
    recording: Recording
    cause: str | None = None
    asset_type: str = ""
    anchor: datetime | None = None
    assets: Mapping[str, str] = field(default_factory=dict)
    topology: tuple[tuple[str, str], ...] = ()
    resolution: str = ""
    events: tuple[RawEntry, ...] = ()


def read_case(folder: Path) -> CaseFile:
    """The case of a folder.

    Raises:
        Invalid: a file is missing or cannot be read; the sentence names it.
    """
    where = f"{folder.name}/case.json"
    cells = _object(_text(folder / "case.json", where), where)
    role = cells.get("role")
    if role not in ROLES:
        raise Invalid(f'{where}: role must be "history" or "query".')
    return CaseFile(
        name=folder.name,
        role=str(role),
        recording=read_recording(folder / "data.csv"),
        cause=_word(cells, "cause", where) or None,
        asset_type=_word(cells, "asset_type", where),
        anchor=_time(cells.get("anchor"), where),
        assets=_assets(cells.get("assets"), where),
        topology=_topology(cells.get("topology"), where),
        resolution=_word(cells, "resolution", where),
        events=_events(folder / "events.jsonl"),
    )


def _text(path: Path, where: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{where} cannot be read: {error}.") from None


def _object(text: str, where: str) -> dict[str, object]:
    try:
        cells = json.loads(text)
    except ValueError as error:
        raise Invalid(f"{where} is no JSON: {error}.") from None
    if not isinstance(cells, dict):
        raise Invalid(f"{where} must be a JSON object.")
    return cells


def _word(cells: Mapping[str, object], key: str, where: str) -> str:
    value = cells.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid(f"{where}: {key} must be text.")
    return value.strip()


def _time(value: object, where: str) -> datetime | None:
    """An ISO time; one without a zone is UTC, as in the recordings."""
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        raise Invalid(f"{where}: {value!r} is no ISO 8601 time.") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _assets(value: object, where: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(asset, str) for asset in value.values()):
        raise Invalid(f"{where}: assets must be an object of tag to asset.")
    return {str(tag): asset for tag, asset in value.items()}


def _topology(value: object, where: str) -> tuple[tuple[str, str], ...]:
    links = [] if value is None else value
    if not isinstance(links, list) or not all(isinstance(link, list) and len(link) == 2 for link in links):
        raise Invalid(f"{where}: topology must be a list of [from, to].")
    return tuple((str(source), str(target)) for source, target in links)


def _events(path: Path) -> tuple[RawEntry, ...]:
    if not path.is_file():
        return ()
    where = f"{path.parent.name}/{path.name}"
    lines = _text(path, where).splitlines()
    return tuple(
        _event(_object(line, f"{where}, line {number}"), f"{where}, line {number}")
        for number, line in enumerate(lines, start=1)
        if line.strip()
    )


def _event(cells: Mapping[str, object], where: str) -> RawEntry:
    stamp = next((cells[key] for key in _TIMES if key in cells), None)
    time = _time(stamp, where)
    if time is None:
        raise Invalid(f"{where}: there is no time.")
    inner = cells.get("payload")
    payload = {**cells, **(inner if isinstance(inner, dict) else {})}
    summary = next((str(cells[key]) for key in _SUMMARIES if cells.get(key)), "")
    return RawEntry(
        source=_cell(cells, "source"),
        time=time,
        summary=summary,
        severity=Severity.parse(_cell(cells, "severity") or "INFO"),
        category=str(cells.get("category") or cells.get("type") or EventCategory.ALERT),
        payload={key: payload[key] for key in _LIMIT_CELLS if key in payload},
    )


def _cell(cells: Mapping[str, object], key: str) -> str:
    """A cell as text, "" where there is none."""
    return "" if cells.get(key) is None else str(cells[key])
