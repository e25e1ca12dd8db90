"""What a program answers, said in Arabic to whoever has an Arabic page open."""

import pytest

from optria.core.roles import Role
from optria.web.refusals import SENTENCES, all_in_language, in_language, of_rows
from optria.web.rendering import translate
from tests import factories
from tests.web.house import House


def test_every_sentence_has_its_arabic() -> None:
    assert [each for each in SENTENCES if translate(each, "ar") == each] == []


def test_what_a_sentence_is_filled_with_stays() -> None:
    said = in_language(
        "The tag P-1.VT of this connection is mapped already. Change that mapping instead.", "ar"
    )
    assert "P-1.VT" in said
    assert "mapped" not in said


def test_states_of_orders_are_translated_with_their_sentence() -> None:
    said = in_language("A work order that is in progress cannot become closed.", "ar")
    assert translate("In progress", "ar") in said
    assert translate("Closed", "ar") in said


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_sentence_that_is_not_known_stays(language: str) -> None:
    assert in_language("The moon is full.", language) == "The moon is full."


def test_each_sentence_of_a_connection_is_said_on_its_own() -> None:
    said = all_in_language(
        "Of the redundant set: Nothing answers at plc-2:4840. Check host and port, the network and the "
        "firewall. Of the redundant set opc.tcp://plc-1:4840 is read. Our certificate for OPC UA expires on "
        "2026-12-01. Renew it with `optria opcua certificate --renew` and trust the new one at the servers. "
        "The server has no node ns=2;s=A.B; the other signals are read. The moon is full.",
        "ar",
    )
    for kept in ("plc-2:4840", "opc.tcp://plc-1:4840", "2026-12-01", "`optria opcua certificate --renew`"):
        assert kept in said
    for gone in ("redundant", "Nothing", "Check", "expires", "trust", "no node"):
        assert gone not in said
    assert said.endswith(" The moon is full.")


def test_what_a_connection_says_in_english_stays() -> None:
    text = "No rows for A.B; the other signals are read.  Odd."
    assert all_in_language(text, "en") == text


def test_errors_of_rows_keep_their_column() -> None:
    known, unknown = of_rows(["asset: there is no asset P-9.", "unit: odd."], "ar")
    assert known.startswith("asset: ")
    assert "there is no" not in known
    assert unknown == "unit: odd."


async def test_a_refused_move_is_said_in_the_language_of_the_cookie(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        order = await factories.order(tx, house.own.asset, status="closed")
    async with house.client(Role.TENANT_ADMIN) as browser:
        path = f"/api/work-orders/{order.id}/start"
        english = (await browser.post(path, json={})).json()["detail"]
        arabic = (await browser.post(f"{path}?lang=ar", json={})).json()["detail"]
    assert english == "A work order that is closed cannot be started."
    assert arabic == in_language(english, "ar") != english
