"""The address of a plant source, taken apart."""

import pytest

from optria.connectors.addresses import plant_url
from optria.core.errors import ConnectorUnavailable


@pytest.mark.parametrize(
    "url", ["opc.tcp://", "http://host:99999999", "opc.tcp://[::1", "C:\\plant", "//host"]
)
def test_a_bad_address_is_a_sentence_with_an_example(url: str) -> None:
    with pytest.raises(ConnectorUnavailable, match=r"Write it like opc\.tcp://server:4840"):
        plant_url(url, ("opc.tcp", "http"), "opc.tcp://server:4840")


@pytest.mark.parametrize("url", ["gopher://reader:hunter2@host", "opc.tcp://u:hunter2@host:99999999"])
def test_a_password_never_shows_in_the_sentence(url: str) -> None:
    with pytest.raises(ConnectorUnavailable) as refused:
        plant_url(url, ("opc.tcp",), "opc.tcp://server:4840")
    assert "hunter2" not in str(refused.value)
