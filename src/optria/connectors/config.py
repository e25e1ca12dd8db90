"""The configuration of a connection, as stored in ``tenant_integrations.config``."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from optria.core.errors import ConfigurationError


class SourceConfig(BaseModel):
    """What every kind of source shares; unknown keys (version 1 stores some) are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, str_strip_whitespace=True)

    endpoint_url: str
    auth_type: str = ""
    username: str = ""
    password: SecretStr = SecretStr("")
    sampling_interval_ms: int = 1000
    time_zone: str = "UTC"
    lateness_s: float = 0.0
    """How long samples may come out of order; the stream reads it (:mod:`optria.streams.reorder`)."""

    @property
    def user(self) -> str | None:
        """The user name to present, None when there is none or ``auth_type`` is ``anonymous``."""
        return self.username if self.username and self.auth_type != "anonymous" else None

    @property
    def interval_s(self) -> float:
        """Seconds between samples asked of the source, at least 10 ms."""
        return max(self.sampling_interval_ms, 10) / 1000


class DemoConfig(BaseModel):
    """The simulated plant's; what version 1's generator was told is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    sampling_interval_ms: int = 500


ConfigT = TypeVar("ConfigT", bound=BaseModel)


def read_config(model: type[ConfigT], config: Mapping[str, object]) -> ConfigT:
    """The typed configuration; empty values count as not given.

    Raises:
        ConfigurationError: names the first field that is wrong.
    """
    given = {name: value for name, value in config.items() if value not in (None, "")}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "configuration"
        said = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"The connection's '{field}' is not usable: {said}.") from None
