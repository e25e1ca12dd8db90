"""Addresses that are never called."""

import pytest

from optria.kit.addresses import is_refused, refusal, refusal_of, resolve


@pytest.mark.parametrize(
    ("address", "refused"),
    [
        ("10.1.2.3", False),
        ("192.168.0.1", False),
        ("127.0.0.1", False),
        ("::1", False),
        ("fd00::7", False),
        ("::ffff:10.0.0.1", False),
        ("2002:0a00:0001::", False),
        ("169.254.0.1", True),
        ("169.254.169.254", True),
        ("fe80::1", True),
        ("fe80::1%eth0", True),
        ("::ffff:169.254.1.1", True),
        ("::169.254.169.254", True),
        ("64:ff9b::169.254.169.254", True),
        ("2002:a9fe:a9fe::", True),
        ("fd00:ec2::254", True),
        ("100.100.100.200", True),
        ("0.0.0.0", True),
        ("::", True),
        ("::ffff:0.0.0.0", True),
        ("224.0.0.5", True),
        ("ff02::1", True),
        ("255.255.255.255", True),
    ],
)
def test_private_networks_are_plants_and_link_local_is_not(address: str, refused: bool) -> None:
    assert is_refused(address) is refused


@pytest.mark.parametrize(
    "written", ["169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "0", "169.254.43518"]
)
async def test_other_spellings_of_an_address_are_the_address(written: str) -> None:
    """The C library's resolver reads all of these as IPv4."""
    assert await refusal(written, 80) is not None


async def test_loopback_may_be_called() -> None:
    assert await refusal("127.0.0.1", 80) is None
    assert "127.0.0.1" in await resolve("localhost", 80) or "::1" in await resolve("localhost", 80)


@pytest.mark.parametrize("host", ["no-such-plant.invalid", "", "a" * 300, "x..y", "b\x00c", "\udcff"])
async def test_an_unknown_name_is_a_sentence(host: str) -> None:
    assert await resolve(host, 80) == () or host == ""
    assert "not known" in str(refusal_of(host, ()))


def test_one_refused_address_of_a_name_is_enough() -> None:
    said = refusal_of("plant.test", ("10.0.0.1", "169.254.169.254"))
    assert said is not None
    assert "not allowed" in said
