"""Which addresses a connector may call."""

import pytest

from optria.connectors.addresses import allow_host, is_refused, plant_url
from optria.core.errors import ConnectorUnavailable


@pytest.mark.parametrize(
    ("address", "refused"),
    [
        ("10.1.2.3", False),
        ("192.168.0.1", False),
        ("127.0.0.1", False),
        ("169.254.0.1", True),
        ("169.254.169.254", True),
        ("fe80::1", True),
        ("fe80::1%eth0", True),
        ("::ffff:169.254.1.1", True),
        ("::ffff:10.0.0.1", False),
        ("224.0.0.5", True),
        ("fd00::7", False),
    ],
)
def test_private_networks_are_plants_and_link_local_is_not(address: str, refused: bool) -> None:
    assert is_refused(address) is refused


async def test_an_unknown_name_is_a_sentence() -> None:
    with pytest.raises(ConnectorUnavailable, match=r"host name 'no-such-plant\.invalid' is not known"):
        await allow_host("no-such-plant.invalid", 4840)


@pytest.mark.parametrize(
    "url", ["opc.tcp://", "http://host:99999999", "opc.tcp://[::1", "C:\\plant", "//host"]
)
def test_a_bad_address_is_a_sentence_with_an_example(url: str) -> None:
    with pytest.raises(ConnectorUnavailable, match=r"Write it like opc\.tcp://server:4840"):
        plant_url(url, ("opc.tcp", "http"), "opc.tcp://server:4840")
