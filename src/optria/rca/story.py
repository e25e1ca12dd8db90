"""The EventStory: what was seen, what came before, why, and what helped before. English and Arabic."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from optria.core.incident import OTHER, RootCause
from optria.core.tag import SignalMapping, to_micros
from optria.rca.case import Case
from optria.rca.event_words import event_words
from optria.rca.localise import Onset
from optria.rca.preceding import onset_order, preceding
from optria.rca.signals import Signals, TagSignal
from optria.rca.similarity import Compared
from optria.rca.timeline import Timeline, is_evidence
from optria.rca.words import Words, cause_words, local_clock, ltr, metric_words, number, percent

_TRENDS = 3
_TREND_FROM = 2.0
_TROUBLES = {
    "bad": Words("bad quality", "جودة سيئة"),
    "stale": Words("no fresh samples", "لا عينات حديثة"),
    "frozen": Words("frozen", "قراءة ثابتة"),
}


@dataclass(frozen=True, slots=True)
class Story:
    """The slots of the narrative; an empty one had no data."""

    time: str
    anomaly: Words
    asset: Words
    before: tuple[Words, ...]
    trend: Words | None
    order: Words | None
    cause: Words
    probability: str
    past: tuple[str, ...]
    resolution: Words | None

    @property
    def english(self) -> str:
        lines = [f"At {self.time}, the system detected {self.anomaly.en} on asset {self.asset.en}."]
        before = [*(w.en for w in self.before), *([self.trend.en] if self.trend else [])]
        if before:
            lines += ["This was preceded by:", *(f"– {line}" for line in before)]
        if self.order:
            lines.append(f"The signals left their normal behaviour in this order: {self.order.en}.")
        lines.append(f"The most likely root cause is {self.cause.en} with probability {self.probability}.")
        if self.past:
            resolved = f" and were resolved by: {self.resolution.en}" if self.resolution else ""
            ids = ", ".join(self.past)
            lines.append(f"Past similar incidents (IDs: {ids}) showed the same pattern{resolved}.")
        return "\n".join(lines)

    @property
    def arabic(self) -> str:
        lines = [f"في {ltr(self.time)}، رصد النظام {self.anomaly.ar} في المعدة {self.asset.ar}."]
        before = [*(w.ar for w in self.before), *([self.trend.ar] if self.trend else [])]
        if before:
            lines += ["وقد سبق ذلك:", *(f"– {line}" for line in before)]
        if self.order:
            lines.append(f"خرجت الإشارات عن سلوكها المعتاد بهذا الترتيب: {self.order.ar}.")
        lines.append(f"السبب الجذري الأرجح هو {self.cause.ar} باحتمال {ltr(self.probability)}.")
        if self.past:
            resolved = f" وعولجت بالآتي: {self.resolution.ar}" if self.resolution else ""
            ids = ltr(", ".join(self.past))
            lines.append(f"أظهرت حوادث سابقة مشابهة (المعرّفات: {ids}) النمط نفسه{resolved}.")
        return "\n".join(lines)


def tell(
    case: Case,
    window: Timeline,
    signals: Signals | None,
    found: Sequence[Onset],
    top: RootCause,
    compared: Sequence[Compared],
) -> Story:
    """Fill the slots of the narrative from one case; ``window`` is the timeline inside the window."""
    candidates = [one for one in compared if one.is_candidate]
    alike = [one for one in candidates if one.past.cause == top.label] or candidates
    return Story(
        time=local_clock(case.anchor.time, case.time_zone),
        anomaly=primary_anomaly(case, window, signals),
        asset=_asset_words(case),
        before=preceding(case, window, found),
        trend=trend(signals),
        order=onset_order(case, found),
        cause=_cause(top),
        probability=percent(top.probability),
        past=tuple(one.past.number for one in alike[:5]),
        resolution=common_resolution(alike),
    )


def primary_anomaly(case: Case, window: Timeline, signals: Signals | None) -> Words:
    """Value against expected of the tag that set the anchor, else the event, else the detector's score."""
    tag = _anchor_tag(case, signals)
    if tag is not None and signals is not None:
        return _deviation(case, tag, signals)
    event = next((e for e in window.events if e.time == case.anchor.time and is_evidence(e)), None)
    if event is not None and event.summary:
        return event_words(event.summary, event.category, event.payload)
    score = f"{case.anchor.score:.2f}"
    return Words(f"an anomaly of score {score}", f"شذوذاً بدرجة {ltr(score)}")


def _anchor_tag(case: Case, signals: Signals | None) -> TagSignal | None:
    own = signals.own if signals else ()
    by_id = {tag.mapping.id: tag for tag in own}
    named = next((by_id[c.tag] for c in case.anchor.contributions if c.tag in by_id), None)
    strongest = max(own, key=lambda tag: abs(tag.level), default=None)
    return named or (strongest if strongest and abs(strongest.level) >= _TREND_FROM else None)


def _deviation(case: Case, tag: TagSignal, signals: Signals) -> Words:
    value = value_at_anchor(case, tag, signals)
    low, high = expected_range(case, tag, value)
    mapping, name = tag.mapping, metric_words(tag.mapping.metric)
    shown, first, last = _with_unit(value, mapping), _number(low, mapping), _with_unit(high, mapping)
    side, span_ar = _side(value, low, high), ltr(f"{first}–{last}")
    return Words(
        f"{side.en} {name.en} ({mapping.instrument}) at {shown}, against {first} to {last} expected",
        f"{side.ar} {name.ar} ({ltr(mapping.instrument)}) عند {ltr(shown)} مقابل {span_ar} متوقعة",
    )


def value_at_anchor(case: Case, tag: TagSignal, signals: Signals) -> float:
    """The value furthest from its reference within the anchor's bin and the two after it."""
    row = min(int((signals.time < to_micros(case.anchor.time)).sum()), len(tag.z) - 1)
    near = range(row, min(row + 3, len(tag.z)))
    return tag.value_at(max(near, key=lambda bin_row: abs(tag.z[bin_row])))


def _side(value: float, low: float, high: float) -> Words:
    if value > high:
        return Words("high", "ارتفاعاً في")
    return Words("low", "انخفاضاً في") if value < low else Words("abnormal", "قيمة غير معتادة في")


def expected_range(case: Case, tag: TagSignal, value: float) -> tuple[float, float]:
    """The maker's range, else the mapping's normal range; where the value is inside, the narrower one that
    its own reference (± 3 deviations) lets expect now.
    """
    mapping = tag.mapping
    wide = case.spec.expected.get(mapping.metric) if case.spec else None
    if wide is None and mapping.normal_low is not None and mapping.normal_high is not None:
        wide = mapping.normal_low, mapping.normal_high
    if wide is not None and not wide[0] <= value <= wide[1]:
        return wide
    return tag.reference - 3.0 * tag.spread, tag.reference + 3.0 * tag.spread


def trend(signals: Signals | None) -> Words | None:
    """How the three tags of the asset that moved most went, and which tags were not trusted."""
    own = signals.own if signals else ()
    moved = sorted((t for t in own if abs(t.level) >= _TREND_FROM), key=lambda t: -abs(t.level))[:_TRENDS]
    parts = [_trend_words(tag) for tag in moved]
    doubted = [t for t in (signals.tags if signals else ()) if t.trouble]
    parts += [_doubt_words(tag) for tag in doubted[:_TRENDS]]
    if not parts:
        return None
    return Words("; ".join(p.en for p in parts), "؛ ".join(p.ar for p in parts))


def _trend_words(tag: TagSignal) -> Words:
    mapping, name = tag.mapping, metric_words(tag.mapping.metric)
    before, after = _number(tag.reference, mapping), _with_unit(tag.after, mapping)
    way = Words("rose", "ارتفاع") if tag.level > 0 else Words("fell", "انخفاض")
    return Words(
        f"{name.en} ({mapping.instrument}) {way.en} from {before} to {after}",
        f"{way.ar} {name.ar} ({ltr(mapping.instrument)}) من {ltr(before)} إلى {ltr(after)}",
    )


def _doubt_words(tag: TagSignal) -> Words:
    why = _TROUBLES[tag.trouble or "bad"]
    instrument = tag.mapping.instrument
    return Words(f"{instrument} counts little ({why.en})", f"{ltr(instrument)} قليل الاعتبار ({why.ar})")


def common_resolution(alike: Sequence[Compared]) -> Words | None:
    """What resolved most of them; of equally frequent ones that of the most similar."""
    told = [one.past for one in alike if one.past.resolution]
    if not told:
        return None
    best = Counter(past.resolution for past in told).most_common(1)[0][0]
    past = next(past for past in told if past.resolution == best)
    text = best.rstrip(".")
    return Words(text, past.resolution_ar.rstrip(".") or ltr(text))


def _cause(top: RootCause) -> Words:
    words = cause_words(top.label)
    if top.label != OTHER:
        return words
    return Words(f"{words.en} (nothing known explains it)", f"{words.ar} (لا يفسره شيء معروف)")


def _asset_words(case: Case) -> Words:
    code, name = case.asset.code, case.asset.name
    return Words(f"{name} ({code})", f"{case.asset.name_ar or ltr(name)} ({ltr(code)})")


def _number(value: float, mapping: SignalMapping) -> str:
    return number(value, mapping.decimals)


def _with_unit(value: float, mapping: SignalMapping) -> str:
    unit = mapping.unit if mapping.unit not in ("", "-") else ""
    return f"{_number(value, mapping)}\u00a0{unit}" if unit else _number(value, mapping)
