"""Request bodies about cost models: v1's fields. Money in the model's currency, with two decimals."""

from typing import Annotated

from pydantic import ConfigDict, Field

from optria.web import bodies

Share = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
"""A code of ISO 4217."""
Costs = Annotated[dict[bodies.Word100, bodies.Amount], Field(max_length=500)]
Thresholds = Annotated[dict[bodies.Word100, Share], Field(max_length=50)]


class CostModelCreate(bodies.Body):
    """v1's body. Families are asset types in small letters with underscores, sites go by their code."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "2026 budget",
                    "default_downtime_cost_per_hour": 25000,
                    "risk_appetite": "medium",
                    "cost_per_asset_family": {"pump": 8000, "heat_exchanger": 15000},
                    "production_value_per_site": {"PLANT-B": 120000},
                    "criticality_thresholds": {"critical": 90, "high": 70, "medium": 50, "low": 30},
                    "currency": "SAR",
                }
            ]
        }
    )
    name: bodies.Title = "Default Cost Model"
    description: bodies.Prose | None = None
    default_downtime_cost_per_hour: bodies.Amount | None = None
    risk_appetite: bodies.Text20 | None = None
    cost_per_asset_family: Costs = Field(default_factory=dict)
    production_value_per_unit: bodies.Amount | None = None
    production_value_per_site: Costs = Field(default_factory=dict)
    criticality_thresholds: Thresholds = Field(default_factory=dict)
    currency: Currency = "SAR"
    is_active: bool = True


class CostModelUpdate(bodies.Body):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"default_downtime_cost_per_hour": 27500, "is_active": True}]}
    )
    name: bodies.Title | None = None
    description: bodies.Prose | None = None
    default_downtime_cost_per_hour: bodies.Amount | None = None
    risk_appetite: bodies.Text20 | None = None
    cost_per_asset_family: Costs | None = None
    production_value_per_unit: bodies.Amount | None = None
    production_value_per_site: Costs | None = None
    criticality_thresholds: Thresholds | None = None
    currency: Currency | None = None
    is_active: bool | None = None
