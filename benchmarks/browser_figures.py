"""What was measured in the browser, in words."""

from collections.abc import Mapping
from typing import Any


def lines_of(figures: Mapping[str, Any]) -> list[str]:
    """The figures of :mod:`benchmarks.twin_in_browser` as people read them."""
    load, quiet, busy = figures["first_load"], figures["quiet"], figures["values"]
    cuts, same = figures["cuts"], figures["snapshot"]
    writing = [busy[f"writing_values_ms_{key}"] for key in ("p50", "p95", "max")]
    return [
        f"machine: {figures['machine']['cores']} cores, load {figures['machine']['load']:.1f} at the start",
        f"first load, cold: {load['requests']} requests, {load['kilobytes']} kB on the wire",
        f"  {load['kilobytes_without_fonts']} kB without fonts; by kind: {load['kilobytes_by_kind']}",
        f"  first live value after {load['first_live_value_ms']} ms; elsewhere: {load['from_elsewhere']}",
        f"quiet, {quiet['seconds']} s: {quiet['task_ms']} ms of main thread; {_dropped(quiet)}",
        f"values, {busy['seconds']} s: {busy['updates']} updates of {busy['tags_per_update']} tags",
        f"  main thread {busy['task_ms_per_update']} ms an update; {_dropped(busy)}",
        (
            f"  of it script {busy['script_ms_per_update']} ms, style {busy['style_ms_per_update']} ms, "
            f"layout {busy['layout_ms_per_update']} ms ({busy['layouts']} layouts)"
        ),
        f"  writing the values, by the clock: p50, p95, max {writing} ms",
        f"two forced disconnects: socket after {cuts['socket_back_s']} s, values {cuts['values_back_s']} s",
        f"  link away {cuts['away_s']} s: socket and values {cuts['back_after_away_s']} s after it was back",
        (
            f"  {cuts['events_heard']} of {cuts['events_sent']} events heard, "
            f"{cuts['events_missed']} missed, "
            f"{cuts['events_heard_twice']} twice, in order: {cuts['in_order']}"
        ),
        f"a new snapshot differs from snapshot and deltas in {same['differing']} of {same['tags']} tags",
    ]


def _dropped(stretch: Mapping[str, Any]) -> str:
    longest = stretch["longest_frame_ms"]
    return f"{stretch['dropped_frames']} of {stretch['frames']} frames dropped, longest {longest} ms"
