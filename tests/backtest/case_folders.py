"""Folders of made-up cases: what a step of one tag, and of another, looks like."""

import json
from pathlib import Path

import numpy as np

TAGS = ("A1", "A2", "B1", "B2")
ASSETS = {"A1": "Pump", "A2": "Pump", "B1": "Tank", "B2": "Tank"}
ROWS, ONSET = 260, 160


def write_recording(path: Path, rows: int, seed: int, moved: dict[str, float], onset: int = ONSET) -> Path:
    """Values around 50 at 60 s with a common swing; ``moved`` tags step by so much at ``onset``."""
    rng = np.random.default_rng(seed)
    swing = np.convolve(rng.standard_normal(rows + 10), np.ones(10) / 10, "valid")[:rows]
    value = (
        50 + swing[:, None] * np.linspace(0.5, 1, len(TAGS)) + 0.3 * rng.standard_normal((rows, len(TAGS)))
    )
    for tag, by in moved.items():
        value[onset:, TAGS.index(tag)] += by
    lines = [f"time,{','.join(TAGS)}"]
    lines += [
        f"2026-03-0{1 + row // 1440}T{row // 60 % 24:02}:{row % 60:02}:00Z,"
        + ",".join(f"{v:.4f}" for v in values)
        for row, values in enumerate(value)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_case(folder: Path, name: str, seed: int, moved: dict[str, float], **told: object) -> None:
    write_recording(folder / name / "data.csv", ROWS, seed, moved)
    told = {"asset_type": "Unit", "assets": ASSETS, "topology": [["Pump", "Tank"]]} | told
    (folder / name / "case.json").write_text(json.dumps(told), encoding="utf-8")


def write_folder(folder: Path) -> Path:
    """Two causes with three past cases each; queries of both, of a third one, and of nothing at all."""
    for day in (1, 2):
        write_recording(folder / "normal" / f"day{day}.csv", 700, day, {})
    for seed in (11, 12, 13):
        write_case(folder, f"blocked-{seed}", seed, {"A1": 6.0, "A2": -5.0}, role="history", cause="Blocked")
        write_case(folder, f"leaking-{seed}", seed + 10, {"B1": -6.0}, role="history", cause="Leaking")
    write_case(folder, "q-blocked", 31, {"A1": 7.0, "A2": -5.0}, role="query", cause="Blocked")
    write_case(folder, "q-leaking", 32, {"B1": -5.0}, role="query", cause="Leaking")
    write_case(folder, "q-new", 33, {"B2": 8.0, "A2": 8.0}, role="query", cause="Something else")
    write_case(folder, "q-quiet", 34, {}, role="query", cause="Leaking")
    return folder
