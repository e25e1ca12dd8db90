"""Words that pages put together from stored ones."""

import pytest

from optria.core.roles import Role
from optria.web.page_words import signal_name
from tests.web.house import House


@pytest.mark.parametrize(
    ("description", "metric", "language", "said"),
    [
        ("Drive-end vibration", "vibration", "en", "Drive-end vibration"),
        ("Drive-end vibration", "vibration", "ar", "الاهتزاز"),
        (None, "suction_pressure", "en", "Suction pressure"),
        (None, "suction_pressure", "ar", "ضغط السحب"),
        ("Hall probe 7", "hall_voltage", "ar", "Hall probe 7"),
        (None, "hall_voltage", "ar", "Hall voltage"),
    ],
)
def test_a_signal_is_named_in_the_language_of_the_page(
    description: str | None, metric: str, language: str, said: str
) -> None:
    assert signal_name(description, metric, language) == said


@pytest.mark.parametrize("view", ["process", "signals", "trends", "assets"])
async def test_the_twin_names_signals_in_the_language_of_the_page(house: House, view: str) -> None:
    own = house.own
    async with house.client(Role.ENGINEER) as browser:
        path = f"/digital-twin/{own.site.code}?asset={own.asset.code}&view={view}&lang="
        english, arabic = [(await browser.get(path + language)).text for language in ("en", "ar")]
    assert ">Vibration<" in english
    assert ">الاهتزاز<" in arabic
    assert ">Vibration<" not in arabic


async def test_the_other_pages_of_a_signal_name_it_too(house: House) -> None:
    own = house.own
    async with house.client(Role.TENANT_ADMIN) as browser:
        for path in (f"/assets/{own.asset.id}", f"/integrations/{own.integration.id}"):
            assert ">الاهتزاز<" in (await browser.get(path, params={"lang": "ar"})).text
        found = (await browser.get("/api/search", params={"q": own.vibration.external_tag})).json()
    assert found["groups"][0]["items"][0]["title_ar"] == "الاهتزاز"
