"""Request bodies about sites, assets, their parts, their ways to fail, and the lines between them."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from optria.web import bodies

Criticality = Literal["critical", "high", "medium", "low"]
Rating = Annotated[int, Field(ge=1, le=10)]
"""A rating of failure mode and effects analysis, IEC 60812."""


class SiteCreate(bodies.Body):
    """v1's body, with the time zone that the times of the site are shown in."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "PLANT-C",
                    "name": "Yanbu Terminal",
                    "name_ar": "محطة ينبع",
                    "location": "Yanbu",
                    "site_type": "terminal",
                    "time_zone": "Asia/Riyadh",
                }
            ]
        }
    )
    code: bodies.Word50
    name: bodies.Title
    name_ar: bodies.Text255 | None = None
    location: bodies.Text255 | None = None
    site_type: bodies.Text50 | None = None
    time_zone: bodies.TimeZone = "Asia/Riyadh"


class SiteUpdate(bodies.NewBody):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Yanbu Export Terminal"}]})
    code: bodies.Word50 | None = None
    name: bodies.Title | None = None
    name_ar: bodies.Text255 | None = None
    location: bodies.Text255 | None = None
    site_type: bodies.Text50 | None = None
    time_zone: bodies.TimeZone | None = None
    is_active: bool | None = None


class AssetCreate(bodies.Body):
    """v1's body, with what an asset can make and since when it stands there."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "site_id": 2,
                    "code": "P-103",
                    "name": "Booster Pump",
                    "name_ar": "مضخة تعزيز",
                    "asset_type": "Pump",
                    "manufacturer": "Flowserve",
                    "criticality": "high",
                }
            ]
        }
    )
    site_id: bodies.RowNumber | None = None
    parent_asset_id: bodies.RowNumber | None = None
    code: bodies.Word100
    name: bodies.Title
    name_ar: bodies.Text255 | None = None
    asset_type: bodies.Word100 | None = None
    manufacturer: bodies.Text255 | None = None
    model: bodies.Text255 | None = None
    serial_number: bodies.Text255 | None = None
    criticality: Criticality = "medium"
    production_capacity: bodies.Amount | None = None
    production_unit: bodies.Text50 | None = None
    install_date: bodies.Day | None = None
    status: bodies.Word50 = "operational"


class AssetUpdate(bodies.NewBody):
    """``is_active`` true takes an asset back into use that was taken out of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"criticality": "critical"}]})
    site_id: bodies.RowNumber | None = None
    parent_asset_id: bodies.RowNumber | None = None
    code: bodies.Word100 | None = None
    name: bodies.Title | None = None
    name_ar: bodies.Text255 | None = None
    asset_type: bodies.Word100 | None = None
    manufacturer: bodies.Text255 | None = None
    model: bodies.Text255 | None = None
    serial_number: bodies.Text255 | None = None
    criticality: Criticality | None = None
    production_capacity: bodies.Amount | None = None
    production_unit: bodies.Text50 | None = None
    install_date: bodies.Day | None = None
    status: bodies.Word50 | None = None
    is_active: bool | None = None


class ComponentCreate(bodies.NewBody):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"code": "DE-BRG", "name": "Drive end bearing", "component_type": "Bearing"}]
        }
    )
    parent_component_id: bodies.RowNumber | None = None
    code: bodies.Word100
    name: bodies.Title
    name_ar: bodies.Text255 | None = None
    component_type: bodies.Text100 | None = None
    criticality: Criticality = "medium"


class ComponentUpdate(bodies.NewBody):
    model_config = ConfigDict(json_schema_extra={"examples": [{"criticality": "high"}]})
    parent_component_id: bodies.RowNumber | None = None
    code: bodies.Word100 | None = None
    name: bodies.Title | None = None
    name_ar: bodies.Text255 | None = None
    component_type: bodies.Text100 | None = None
    criticality: Criticality | None = None


class FailureModeCreate(bodies.NewBody):
    """Ratings from 1 to 10 as in IEC 60812; 10 is gravest, most frequent, hardest to notice."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "FM-01",
                    "name": "Bearing wear",
                    "failure_effect": "Vibration, then loss of the pump",
                    "severity": 8,
                    "occurrence": 4,
                    "detection": 3,
                    "mitigation_action": "Relubricate every 2,000 h",
                }
            ]
        }
    )
    component_id: bodies.RowNumber | None = None
    code: bodies.Word100
    name: bodies.Title
    name_ar: bodies.Text255 | None = None
    description: bodies.Prose | None = None
    failure_effect: bodies.Prose | None = None
    severity: Rating | None = None
    occurrence: Rating | None = None
    detection: Rating | None = None
    mitigation_action: bodies.Prose | None = None


class FailureModeUpdate(bodies.NewBody):
    model_config = ConfigDict(json_schema_extra={"examples": [{"detection": 2}]})
    component_id: bodies.RowNumber | None = None
    code: bodies.Word100 | None = None
    name: bodies.Title | None = None
    name_ar: bodies.Text255 | None = None
    description: bodies.Prose | None = None
    failure_effect: bodies.Prose | None = None
    severity: Rating | None = None
    occurrence: Rating | None = None
    detection: Rating | None = None
    mitigation_action: bodies.Prose | None = None


class LinkCreate(bodies.NewBody):
    """What leaves the source reaches the target."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"source_asset_id": 6, "target_asset_id": 8}]})
    source_asset_id: bodies.RowNumber
    target_asset_id: bodies.RowNumber
