"""Request bodies about signal mappings: v1's fields, and ranges, decimals and scan time of the signal."""

from decimal import Decimal
from typing import Annotated, Final

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.config import JsonDict

from optria.web import bodies

STORED: Final = Decimal("0.000001")


def _as_stored(factor: Decimal) -> Decimal:
    return factor.quantize(STORED)


def _not_nothing(factor: Decimal) -> Decimal:
    if not factor:
        raise ValueError("a scaling factor of 0 would make every value 0")
    return factor


Factor = Annotated[
    Decimal,
    Field(ge=Decimal(-999_999_999), le=Decimal(999_999_999), allow_inf_nan=False),
    AfterValidator(_as_stored),
]
Scale = Annotated[Factor, AfterValidator(_not_nothing)]
Value = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]

EXAMPLE: Final[JsonDict] = {
    "asset_id": 9,
    "external_tag": "P-102B.VT-1022",
    "internal_metric_name": "vibration",
    "unit": "mm/s",
    "scaling_factor": 1,
    "offset_value": 0,
    "range_low": 0,
    "range_high": 20,
    "normal_low": 1,
    "normal_high": 3.5,
    "decimals": 2,
}


class Signal(bodies.Body):
    """What a signal means: value = raw value x ``scaling_factor`` + ``offset_value``, in ``unit``.

    ``range_low``/``range_high`` is the engineering range (values outside are not believed),
    ``normal_low``/``normal_high`` where it is in normal operation; ``scan_s`` is seconds between samples.
    """

    asset_id: bodies.RowNumber | None = None
    component_id: bodies.RowNumber | None = None
    unit: bodies.Text50 | None = None
    scaling_factor: Scale | None = Decimal(1)
    offset_value: Factor | None = Decimal(0)
    range_low: Value | None = None
    range_high: Value | None = None
    normal_low: Value | None = None
    normal_high: Value | None = None
    decimals: Annotated[int, Field(ge=0, le=10)] | None = None
    scan_s: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)] | None = None
    description: bodies.Text255 | None = None


class BulkMapping(Signal):
    """One of many mappings of the same connection."""

    external_tag: bodies.Title
    internal_metric_name: bodies.Word100


class MappingCreate(BulkMapping):
    """v1's body, and what is new at its end."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"integration_id": 1, **EXAMPLE}]})

    integration_id: bodies.RowNumber


class MappingUpdate(Signal):
    """v1's body: only what is sent changes, null clears it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"unit": "mm/s", "normal_high": 3.5}]})

    external_tag: bodies.Title | None = None
    internal_metric_name: bodies.Word100 | None = None


class BulkCreate(bodies.Body):
    """v1's body: all of them or none."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"integration_id": 1, "mappings": [EXAMPLE]}]})

    integration_id: bodies.RowNumber
    mappings: Annotated[list[BulkMapping], Field(min_length=1, max_length=2_000)]
