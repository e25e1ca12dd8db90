"""What the demonstration plant has been through: closed incidents and their orders."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from optria.core.incident import cause_code
from optria.db import blackbox, demo, work
from optria.kit import clock


def past_rows(
    assets: Mapping[str, int], engineer_id: int
) -> Iterator[blackbox.IncidentRow | work.WorkOrderRow]:
    """Past incidents of the ``assets`` there are (code to id), each with the order that ended it."""
    for number, past in enumerate(demo.read("past_incidents"), start=1):
        if past["asset"] in assets:
            started = clock.now() - timedelta(days=past["days_ago"], hours=number % 24)
            ended = started + timedelta(hours=past["downtime_h"])
            yield _incident(number, past, assets[past["asset"]], engineer_id, started, ended)
            yield _order(number, past, assets[past["asset"]], engineer_id, started, ended)


def _incident(
    number: int,
    past: Mapping[str, Any],
    asset_id: int,
    engineer_id: int,
    started: datetime,
    ended: datetime,
) -> blackbox.IncidentRow:
    """Its downtime stands on its order, where maintenance writes it."""
    code = cause_code(past["cause"])
    return blackbox.IncidentRow(
        incident_number=f"INC-ARA-{number:03d}",
        incident_type="FAILURE",
        status="CLOSED",
        severity=past["severity"],
        title=f"{past['cause']} on {past['asset']}",
        root_asset_id=asset_id,
        start_time=started,
        end_time=ended,
        rca_status="COMPLETED",
        rca_completed_at=started + timedelta(minutes=31),
        rca_summary={"root_cause_category": code, "confidence": 1.0},
        root_cause_scores={past["cause"]: 1.0},
        root_cause_codes={code: 1.0},
        confirmed_cause=code,
        resolution=past["resolution"],
        resolved_at=ended,
        resolved_by=engineer_id,
        pattern={
            "signature": past["signature"],
            "event_types": past["event_types"],
            "resolution_ar": past["resolution_ar"],
        },
    )


def _order(
    number: int,
    past: Mapping[str, Any],
    asset_id: int,
    engineer_id: int,
    started: datetime,
    ended: datetime,
) -> work.WorkOrderRow:
    hours = Decimal(str(past["downtime_h"]))
    return work.WorkOrderRow(
        asset_id=asset_id,
        code=f"WO-ARA-{number:03d}",
        work_order_number=f"WO-ARA-{number:03d}",
        title=f"{past['cause']} on {past['asset']}",
        work_type="corrective",
        priority="high",
        status="closed",
        source="EXTERNAL_IMPORT",
        assigned_to=engineer_id,
        started_at=started,
        completed_at=ended,
        created_at=started,
        actual_hours=hours,
        downtime_hours=hours,
        actual_cause=cause_code(past["cause"]),
        failure_note=past["resolution"],
    )
