"""The settings of an OPC UA connection."""

from typing import Literal, Self

from pydantic import field_validator, model_validator

from optria.connectors.addresses import plant_url
from optria.connectors.config import SourceConfig

EXAMPLE = "opc.tcp://server:4840"
MOST_ENDPOINTS = 8

_MODES = {"none": "None", "sign": "Sign", "signandencrypt": "SignAndEncrypt"}


class OpcUaConfig(SourceConfig):
    """``server_certificate_sha256`` pins the server; without it a secure mode needs a certificate that the
    installation trusts, or ``trust_any_server``.

    ``outage_s`` is how long a cut of the link may be without any loss: the server is asked to keep the
    subscription and every sample for as long. ``endpoint_urls`` are further servers of a redundant set.
    """

    security_mode: Literal["None", "Sign", "SignAndEncrypt"] = "None"
    security_policy: Literal["None", "Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"] = "None"
    server_certificate_sha256: str = ""
    trust_any_server: bool = False
    namespace_filter: str = ""
    max_tags_per_scan: int = 500
    outage_s: float = 60.0
    endpoint_urls: str = ""

    @field_validator("security_mode", mode="before")
    @classmethod
    def _mode(cls, value: object) -> object:
        return _MODES.get(str(value).lower().replace("_", "").replace(" ", ""), value)

    @field_validator("server_certificate_sha256", mode="after")
    @classmethod
    def _pin(cls, value: str) -> str:
        return value.replace(":", "").replace(" ", "").lower()

    @model_validator(mode="after")
    def _pin_is_proven(self) -> Self:
        """Without security a server shows a certificate but does not prove that it is its own."""
        if self.server_certificate_sha256 and self.security_mode == "None":
            raise ValueError("a pinned server certificate needs the security mode Sign or SignAndEncrypt")
        return self

    @model_validator(mode="after")
    def _few_endpoints(self) -> Self:
        if len(self.urls) > MOST_ENDPOINTS:
            raise ValueError(f"a redundant set has at most {MOST_ENDPOINTS} addresses")
        if "@" in self.endpoint_urls:
            raise ValueError("user and password belong into their own settings, not into an address")
        return self

    @property
    def urls(self) -> tuple[str, ...]:
        """The address and those of the redundant set, each once."""
        return tuple(dict.fromkeys([self.endpoint_url, *self.endpoint_urls.replace(",", " ").split()]))

    @property
    def pins(self) -> frozenset[str]:
        """A redundant set has a certificate for each of its servers: the pins stand there with commas."""
        return frozenset(pin for pin in self.server_certificate_sha256.split(",") if pin)


def host_and_port(url: str) -> tuple[str, int]:
    """Where a server is. Raises ConnectorUnavailable for an address of another kind."""
    parts = plant_url(url, ("opc.tcp",), EXAMPLE)
    return parts.hostname or "", parts.port or 4840
