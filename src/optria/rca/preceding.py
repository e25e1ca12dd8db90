"""What came before an incident: events of the asset and its upstream, alarms together, and who left when."""

from collections.abc import Sequence
from typing import TypeAlias

from optria.core.event import EventCategory
from optria.core.tag import SignalMapping, from_micros, to_micros
from optria.rca.case import Case
from optria.rca.event_words import event_words
from optria.rca.localise import Onset
from optria.rca.timeline import Timeline, TimelineEntry, is_evidence
from optria.rca.words import Words, local_clock, ltr, metric_words

MOST_OTHERS = 4
"""Events other than alarms that are told one by one: the last ones."""
MOST_ALARMS = 2
"""Alarms that are told one by one; more are told together."""
MOST_ONSETS = 6
_MEASURING = frozenset({"threshold", "mapping", "integration", "clock_drift", "detector_setting", "asset"})
"""Our own configuration that changes what is measured, or how it is judged."""
_UP, _DOWN = Words("up", "صعوداً"), Words("down", "هبوطاً")


OnsetTime: TypeAlias = tuple[int, SignalMapping, bool | None]
"""When a tag left (µs UTC), which, and whether upwards; None where the direction is unknown."""


def preceding(case: Case, window: Timeline, found: Sequence[Onset]) -> tuple[Words, ...]:
    """What began before the anchor, by time: other events one by one, many alarms in one line.

    Where that is less than two lines, tags that left before the anchor and past maintenance as well.
    """
    entries = [e for e in window.events if e.time < case.anchor.time and _may_have_led(case, e)]
    told = _told(case, entries)
    if len(told) < 2:
        told += _left_before(case, found)[: 2 - len(told)]
    if len(told) < 2:
        told += _last_maintenance(case, window)[: 2 - len(told)]
    return tuple(told)


def _may_have_led(case: Case, entry: TimelineEntry) -> bool:
    """Of the asset, of what feeds it, or of the whole plant; said by the plant or its people."""
    near = entry.asset_id is None or entry.asset_id == case.asset.id or entry.asset_id in case.upstream
    return near and is_evidence(entry) and bool(entry.summary) and _touches_the_plant(entry)


def _touches_the_plant(entry: TimelineEntry) -> bool:
    """Whether a change of our own configuration is about what is measured; others' reports always count."""
    what = entry.payload.get("entity_type")
    return entry.category != EventCategory.CONFIG_CHANGE or what is None or what in _MEASURING


def _told(case: Case, entries: Sequence[TimelineEntry]) -> list[Words]:
    alarms = [entry for entry in entries if _is_alarm(entry)]
    others = [entry for entry in entries if not _is_alarm(entry)][-MOST_OTHERS:]
    rows = [(entry.time, _event_line(case, entry)) for entry in others]
    if len(alarms) > MOST_ALARMS:
        rows.append((alarms[0].time, _alarms_line(case, alarms)))
    else:
        rows += [(entry.time, _event_line(case, entry)) for entry in alarms]
    return [words for _, words in sorted(rows, key=lambda row: row[0])]


def _is_alarm(entry: TimelineEntry) -> bool:
    return entry.category in (EventCategory.ALERT, EventCategory.SENSOR)


def _event_line(case: Case, entry: TimelineEntry) -> Words:
    at, words = clock(case, to_micros(entry.time)), event_words(entry.summary, entry.category, entry.payload)
    return Words(f"{at} {words.en}", f"{ltr(at)} {words.ar}")


def _alarms_line(case: Case, alarms: Sequence[TimelineEntry]) -> Words:
    """ "08:41:00 to 08:58:00 12 alarms on 4 tags, first vibration high limit passed"."""
    first, last = alarms[0], alarms[-1]
    begin, end = clock(case, to_micros(first.time)), clock(case, to_micros(last.time))
    words = event_words(first.summary, first.category, first.payload)
    count, tags = len(alarms), len({_tag_of(alarm) for alarm in alarms})
    on = Words(f"{tags} tag{'s' if tags > 1 else ''}", f"عدد الإشارات {tags}")
    return Words(
        f"{begin} to {end} {count} alarms on {on.en}, first {words.en}",
        f"{ltr(f'{begin}–{end}')} عدد الإنذارات {count}، {on.ar}، أولها {words.ar}",
    )


def _tag_of(entry: TimelineEntry) -> object:
    """What an alarm is about: its tag, else its asset and metric, else its sentence."""
    tag = entry.payload.get("tag_id") or entry.payload.get("external_tag")
    if isinstance(tag, int | str):
        return tag
    metric = entry.payload.get("metric")
    return (entry.asset_id, metric if isinstance(metric, str) else entry.summary)


def onset_times(case: Case, found: Sequence[Onset]) -> list[OnsetTime]:
    """When (µs UTC) tags of the asset and its upstream left normal, earliest first, and whether upwards.

    As the detector saw it, else by the first sustained residual. Nothing before the window counts.
    """
    near = {case.asset.id, *case.upstream}
    left: dict[int, OnsetTime] = {o.tag.mapping.id: (o.time, o.tag.mapping, o.tag.level > 0.0) for o in found}
    mappings = {s.mapping.id: s.mapping for s in case.series}
    for seen in case.anchor.contributions:
        if seen.first_onset is not None and seen.tag in mappings:
            up = {"high": True, "low": False}.get(seen.direction)
            left[seen.tag] = (to_micros(seen.first_onset), mappings[seen.tag], up)
    begin = to_micros(case.window.start)
    rows = [row for row in left.values() if row[1].asset_id in near and row[0] >= begin]
    return sorted(rows, key=lambda row: (row[0], row[1].id))


def onset_order(case: Case, found: Sequence[Onset]) -> Words | None:
    """ "vibration (VT-1022) up 08:58:10, bearing temperature (TT-1023) up 08:59:20"; None below two tags."""
    rows = onset_times(case, found)
    if len(rows) < 2:
        return None
    shown = [_onset_item(case, *row) for row in rows[:MOST_ONSETS]]
    more = len(rows) - len(shown)
    rest = Words(f", and {more} more" if more else "", f"، و{more} غيرها" if more else "")
    return Words(", ".join(w.en for w in shown) + rest.en, "، ".join(w.ar for w in shown) + rest.ar)


def _onset_item(case: Case, micros: int, mapping: SignalMapping, up: bool | None) -> Words:
    way = Words("", "") if up is None else _UP if up else _DOWN
    name, at = metric_words(mapping.metric), clock(case, micros)
    tag = mapping.instrument if mapping.asset_id == case.asset.id else mapping.external_tag
    return Words(
        " ".join(word for word in (f"{name.en} ({tag})", way.en, at) if word),
        " ".join(word for word in (f"{name.ar} ({ltr(tag)})", way.ar, ltr(at)) if word),
    )


def _left_before(case: Case, found: Sequence[Onset]) -> list[Words]:
    until = to_micros(case.anchor.time)
    return [
        _onset_words(case, mapping, time) for time, mapping, _ in onset_times(case, found) if time < until
    ]


def _onset_words(case: Case, mapping: SignalMapping, micros: int) -> Words:
    at, asset = clock(case, micros), case.plant.asset(mapping.asset_id)
    code = asset.code if asset else str(mapping.asset_id)
    name = metric_words(mapping.metric)
    return Words(
        f"{at} {name.en} of {code} ({mapping.instrument}) left its normal behaviour",
        f"{ltr(at)} خروج عن السلوك المعتاد: {name.ar} في {ltr(f'{code} ({mapping.instrument})')}",
    )


def _last_maintenance(case: Case, window: Timeline) -> list[Words]:
    """Maintenance of the asset before the window, newest first."""
    logs = [e for e in window.entries if e.kind == "maintenance" and e.asset_id == case.asset.id]
    earlier = sorted((e for e in logs if e.time < case.window.start), key=lambda e: e.time, reverse=True)
    return [
        Words(f"Earlier maintenance: {e.summary.rstrip('.')}", f"صيانة سابقة: {ltr(e.summary.rstrip('.'))}")
        for e in earlier
    ]


def clock(case: Case, micros: int) -> str:
    """Time of day at the site."""
    return local_clock(from_micros(micros), case.time_zone).split(" ")[1]
