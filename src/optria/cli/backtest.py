"""``optria backtest``: detectors and analyses tried on recordings, without a database or a network."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from optria.kit import logs

DETECT = """Play a recording through the gate, the detectors and the anchoring of the product, at full speed.

The columns and their units need not be known; separators, decimal commas and times are found. \
The first rows (--warmup) teach the detectors what is normal and never alarm: they should be free of faults. \
Printed is where the product would have opened an incident, and the tags that speak for it in the order in \
which they left normal.

With --out, one row per input row is written: time (as in the input), score (1 is the limit), probability of \
a fault, alarm (0 or 1) and top, the tag that stands out most.
"""

RCA = """Let the analysis of the product explain a folder of cases, and judge it where their causes are known.

DIR holds one folder per case, with data.csv and case.json: {"role": "history" or "query", "cause", \
"asset_type", "anchor" (ISO time), "assets" {tag: asset}, "topology" [[from, to], ...], "resolution"}, all \
but the role optional, and events.jsonl (optional). Recordings of normal operation in DIR/normal/*.csv teach \
the detectors and the analysis what is usual. A case without an anchor gets the one that the detectors set.

With --out, one JSON line per query is written: its causes with probabilities and evidence, similar cases of \
the history, and the assets and tags it seems to have begun at. Where queries carry a cause, printed is how \
often it was named first (AC@1) and among the first three (AC@3), mean reciprocal rank, Brier score and \
calibration error, each with its 95 % interval, and again with the anchor a minute earlier and later. Causes \
that neither history nor a rule could name are judged by how surely they are called unknown.
"""

app = typer.Typer(
    help="Try the detectors and the analysis on recordings of your own before you rely on them. "
    "Nothing is stored or sent; no database is needed.",
    no_args_is_help=True,
)

SLOW_ROWS = 5000
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


@app.command("detect", help=DETECT)
def detect_command(
    file: Annotated[Path, typer.Argument(help="A recording: CSV with a row per time, a column per tag.")],
    time_column: Annotated[
        str | None, typer.Option(help="The column of times; default: found, else a row a second.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Columns that are no tags, separated by commas; repeatable.")
    ] = None,
    warmup: Annotated[int, typer.Option(help="Rows from the first on that only train.", min=0)] = 400,
    out: Annotated[Path | None, typer.Option(help="Write a row per input row here (CSV).")] = None,
    label: Annotated[
        str | None, typer.Option(help="A column that is not 0 in a fault: print how well it did.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    from optria.backtest.detect import detect
    from optria.backtest.detection_report import in_words, report, write_scores
    from optria.backtest.recording import column_names, read_recording

    logs.configure("ERROR")
    recording = read_recording(file, time_column, column_names(ignore or []), label)
    found = detect(recording, warmup, progress=_progress(len(recording)))
    if out is not None:
        write_scores(out, recording, found)
    told = report(recording, found)
    typer.echo(json.dumps(told, indent=2) if as_json else "\n".join(in_words(told)))


@app.command("rca", help=RCA)
def rca_command(
    folder: Annotated[Path, typer.Argument(help="A folder of cases.", metavar="DIR")],
    out: Annotated[Path | None, typer.Option(help="Write a JSON line per query here.")] = None,
    as_json: AsJson = False,
) -> None:
    from optria.backtest.causes import write_predictions
    from optria.backtest.causes_report import explain, in_words, report

    logs.configure("ERROR")
    explained = explain(folder, _say_progress)
    if out is not None:
        write_predictions(out, explained.answers)
    told = report(explained)
    typer.echo(json.dumps(told, indent=2, ensure_ascii=False) if as_json else "\n".join(in_words(told)))


def _say_progress(words: str) -> None:
    if sys.stderr.isatty():
        typer.echo(words, err=True)


def _progress(rows: int) -> Callable[[int], None]:
    """Says how far it is, on a terminal, where that takes more than a moment."""
    if rows < SLOW_ROWS or not sys.stderr.isatty():
        return lambda done: None
    return lambda done: typer.echo(f"\r{done} of {rows} rows", err=True, nl=done == rows)
