"""Back-tests as the API answers them."""

from collections import Counter
from collections.abc import Mapping, Sequence

from optria.backtest.stored import Outcome
from optria.backtest.stored_jobs import Job
from optria.backtest.stored_labels import Label
from optria.backtest.stored_outcome import Incident, Side
from optria.core.asset import PlantModel
from optria.core.incident import cause_code
from optria.web.shapes import Json, when

Codes = Mapping[int, str]


def codes_of(plant: PlantModel) -> Codes:
    """Asset id to code."""
    return {asset.id: asset.code for asset in plant.assets}


def job_json(job: Job) -> Json:
    """How far a back-test is; ``progress`` is 0 to 1."""
    return {
        "id": str(job.id),
        "tenant_id": job.asked.tenant_id,
        "state": job.state.value,
        "phase": job.phase,
        "progress": round(job.progress, 3),
        "problem": job.problem,
        "start": when(job.asked.start),
        "end": when(job.asked.end),
        "asset_ids": sorted(job.asked.assets),
        "changes": [{"kind": kind, "words": words} for kind, words in job.changes],
        "asked_by": job.asked_by,
        "created_at": when(job.created_at),
        "ended_at": when(job.ended_at),
    }


def outcome_json(outcome: Outcome, codes: Codes) -> Json:
    """``now`` is the configuration in force, ``draft`` what was asked; ``labels`` what people have judged."""
    return {
        "samples": outcome.samples,
        "took_s": round(outcome.took_s, 1),
        "recorded": [{"start": when(start), "end": when(end)} for start, end in outcome.recorded],
        "labels": [_label_json(label, outcome, codes) for label in outcome.labels],
        "now": _side_json(outcome.now, outcome, codes),
        "draft": _side_json(outcome.draft, outcome, codes),
    }


def _label_json(label: Label, outcome: Outcome, codes: Codes) -> Json:
    return {
        "incident_id": label.incident_id,
        "incident_number": label.number,
        "asset_id": label.asset_id,
        "asset_code": codes.get(label.asset_id),
        "start": when(label.start),
        "end": when(label.end),
        "severity": label.severity,
        "cause": label.cause or None,
        "is_false": label.is_false,
        "met_now": met(label, outcome.now),
        "met_draft": met(label, outcome.draft),
    }


def met(label: Label, side: Side) -> bool:
    """Whether a configuration would have made this judged incident."""
    return any(one.label == label.incident_id for one in side.incidents)


def summary(side: Side, days: float) -> Json:
    """One configuration in figures; ``days`` is how long anything is stored of."""
    per_day = 1.0 / days if days > 0 else 0.0
    return {
        "incidents": len(side.incidents),
        "orders": side.orders,
        "hits": side.count("hit"),
        "misses": len(side.missed),
        "repeats": side.count("repeat"),
        "false_incidents": side.count("false"),
        "extra": side.count("extra"),
        "causes_right": side.causes_right,
        "alarms": side.alarms,
        "incidents_per_day": round(len(side.incidents) * per_day, 2),
        "alarms_per_day": round(side.alarms * per_day, 2),
        "median_delay_s": side.median_delay_s,
        "is_cut": side.is_cut,
    }


def recorded_days(outcome: Outcome) -> float:
    return sum((end - start).total_seconds() for start, end in outcome.recorded) / 86_400.0


def _side_json(side: Side, outcome: Outcome, codes: Codes) -> Json:
    return {
        "summary": summary(side, recorded_days(outcome)),
        "per_asset": per_asset(side, codes),
        "missed": list(side.missed),
        "incidents": [incident_json(one, codes) for one in side.incidents],
    }


def per_asset(side: Side, codes: Codes) -> Sequence[Json]:
    """Incidents, orders and alarms of each asset that had any."""
    incidents = Counter(one.asset_id for one in side.incidents)
    orders = Counter(one.asset_id for one in side.incidents if one.ordered is not None)
    alarms = dict(side.alarms_of)
    return [
        {
            "asset_id": asset,
            "asset_code": codes.get(asset),
            "incidents": incidents[asset],
            "orders": orders[asset],
            "alarms": alarms.get(asset, 0),
        }
        for asset in sorted(incidents.keys() | alarms.keys())
    ]


def incident_json(one: Incident, codes: Codes) -> Json:
    return {
        "time": when(one.time),
        "seen_at": when(one.seen),
        "end": when(one.end),
        "asset_id": one.asset_id,
        "asset_code": codes.get(one.asset_id),
        "assets": [codes.get(asset) for asset in one.assets],
        "severity": one.severity,
        "cause": one.cause,
        "cause_code": cause_code(one.cause),
        "probability": round(one.probability, 4),
        "root_cause_scores": {label: round(p, 4) for label, p in one.scores},
        "by": "event" if one.by_event else "detectors",
        "order_at": when(one.ordered),
        "verdict": one.verdict,
        "incident_id": one.label,
        "delay_s": one.delay_s,
        "is_cause_right": one.is_cause_right,
    }
