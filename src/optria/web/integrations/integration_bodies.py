"""Request bodies about connections: v1's fields, a trial of settings that are not stored, a reading."""

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from optria.web import bodies

Settings = dict[str, object]
Kind = Annotated[bodies.Text50, Field(description="opcua, pi, sql or demo.")]

PI_EXAMPLE: JsonDict = {
    "endpoint_url": "https://pi.plant.example/piwebapi",
    "auth_type": "basic",
    "username": "optria",
    "password": "the password",
}


class IntegrationCreate(bodies.Body):
    """v1's body. What ``config`` may hold is told by ``/api/integrations/schemas/{integration_type}``."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "PI of the refinery", "integration_type": "pi", "config": PI_EXAMPLE}]
        }
    )

    name: bodies.Title
    integration_type: Kind
    config: Settings | None = None


class IntegrationUpdate(bodies.Body):
    """v1's body; a ``config`` takes the place of the whole stored one, ``********`` keeps a stored secret."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "PI of the refinery", "is_active": False}]}
    )

    name: bodies.Title | None = None
    config: Settings | None = None
    is_active: bool | None = None


class Trial(bodies.NewBody):
    """Settings to try; ``********`` stands for a stored secret of the connection ``integration_id``."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"integration_type": "pi", "config": PI_EXAMPLE}]},
    )

    integration_type: Kind
    config: Settings
    integration_id: bodies.RowNumber | None = None


class Reading(bodies.NewBody):
    """External tags to read once."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"tags": ["P-102B.VT-1022", "P-102B.TT-1023"]}]}
    )

    tags: Annotated[list[Annotated[bodies.Text255, Field(min_length=1)]], Field(min_length=1, max_length=50)]
