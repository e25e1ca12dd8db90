"""The description of the API is complete: every operation, every body, every answer."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from optria.core.roles import GRANTS, Permission, Role, can
from optria.web.openapi import IDEMPOTENCY_KEY, DescribedApp, documented
from optria.web.openapi_answers import ANSWER_EXAMPLES
from optria.web.server import ROUTERS
from tests import factories
from tests.web.house import House

Operation = Mapping[str, Any]


@pytest.fixture(scope="module")
def described() -> DescribedApp:
    app = DescribedApp(title="OPTRIA IQ", version="1")
    for router in ROUTERS:
        app.include_router(router)
    return app


@pytest.fixture(scope="module")
def operations(described: DescribedApp) -> dict[str, Operation]:
    """Every operation by method and path."""
    paths = described.openapi()["paths"]
    return {f"{method.upper()} {path}": one for path, item in paths.items() for method, one in item.items()}


def test_every_route_has_a_summary_of_its_own(described: DescribedApp) -> None:
    routes = list(documented(described.routes))
    bare = [f"{route.endpoint.__module__}.{route.endpoint.__name__}" for route in routes if not route.summary]
    assert len(routes) > 70
    assert bare == []


def test_every_operation_has_its_own_short_id(operations: Mapping[str, Operation]) -> None:
    ids = [one["operationId"] for one in operations.values()]
    assert len(set(ids)) == len(ids)
    assert [name for name in ids if len(name) > 60 or not name.isidentifier()] == []


def test_every_tag_is_described(described: DescribedApp, operations: Mapping[str, Operation]) -> None:
    said = {tag["name"]: tag["description"] for tag in described.openapi()["tags"]}
    assert [name for name, one in operations.items() if not one.get("tags")] == []
    assert {tag for one in operations.values() for tag in one["tags"]} == set(said)
    assert [tag for tag, text in said.items() if len(text) < 10] == []


def test_an_operation_names_its_permission_and_exactly_the_roles_that_have_it(
    operations: Mapping[str, Operation],
) -> None:
    for name, one in operations.items():
        permission = Permission(one["x-permission"])
        assert (one["security"] == []) == (permission is Permission.PUBLIC), name
        if permission is not Permission.PUBLIC:
            needs = next(line for line in one["description"].splitlines() if line.startswith("Needs:"))
            named = set(needs.rstrip(".").partition("roles: ")[2].split(", "))
            assert named == {role.value for role in GRANTS if can(role, permission)}, name


def test_every_body_has_an_example_that_its_model_takes(described: DescribedApp) -> None:
    bare = []
    for route in documented(described.routes):
        if route.body_field is None:
            continue
        examples = list(_examples(described, route.path_format, min(route.methods or ())))
        if not examples:
            bare.append(f"{route.endpoint.__module__}.{route.endpoint.__name__}")
        for example in examples:
            _, errors = route.body_field.validate(example)
            assert not errors, (route.path_format, errors)
    assert bare == []


def _examples(app: DescribedApp, path: str, method: str) -> Iterator[object]:
    """Examples of a request body: of its media type, or of its model."""
    document = app.openapi()
    for media in document["paths"][path][method.lower()]["requestBody"]["content"].values():
        yield from (one["value"] for one in media.get("examples", {}).values())
        if "example" in media:
            yield media["example"]
        yield from _resolved(document, media["schema"]).get("examples", ())


def _resolved(document: Operation, schema: Operation) -> Operation:
    """A schema behind its reference, or behind the one choice of an optional body that is not null."""
    for choice in schema.get("anyOf", ()):
        if choice.get("type") != "null":
            return _resolved(document, choice)
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    found: Operation = document["components"]["schemas"][name] if name else schema
    return found


def test_every_refusal_is_described_with_an_example(operations: Mapping[str, Operation]) -> None:
    for name, one in operations.items():
        method = name.partition(" ")[0]
        responses = one["responses"]
        expected = {"503"} if one["security"] == [] else {"401", "403", "503"}
        expected |= {"409", "413", "422"} if method != "GET" else set()
        expected |= {"404", "422"} if "{" in name else set()
        assert expected <= set(responses), name
        for status, response in responses.items():
            if int(status) >= 400:
                media = response["content"]["application/json"]
                assert "schema" in media, (name, status)
                assert "example" in media or "examples" in media, (name, status)
        assert any(status.startswith("2") for status in responses), name


def test_signed_in_writes_take_an_idempotency_key(operations: Mapping[str, Operation]) -> None:
    for name, one in operations.items():
        is_write = not name.startswith("GET ")
        assert (IDEMPOTENCY_KEY in one.get("parameters", [])) == (is_write and one["security"] != []), name


@pytest.mark.parametrize("name", ANSWER_EXAMPLES)
async def test_the_example_of_an_answer_has_the_keys_of_a_real_one(house: House, name: str) -> None:
    method, path = name.split(" ")
    who = house.user(Role.TENANT_ADMIN)
    body = {"email": who.email, "password": factories.PASSWORD} if name.endswith("login") else None
    async with house.client(who) as browser:
        answer = await browser.request(method, path, json=body)
    assert answer.status_code == 200
    assert _invented(ANSWER_EXAMPLES[name], answer.json()) == []


def _invented(example: object, answer: object, path: str = "") -> list[str]:
    """Keys of an example that the answer does not have; of a list, the first entries are compared."""
    if isinstance(example, Mapping) and isinstance(answer, Mapping):
        deeper = [_invented(example[key], answer[key], f"{path}.{key}") for key in example if key in answer]
        return [f"{path}.{key}" for key in example if key not in answer] + [
            k for found in deeper for k in found
        ]
    if isinstance(example, list) and isinstance(answer, list):
        return [
            k for pair in zip(example[:1], answer[:1], strict=True) for k in _invented(*pair, f"{path}[]")
        ]
    return [] if not isinstance(example, Mapping | list) else [f"{path} is {type(answer).__name__}"]


async def test_the_description_is_for_those_who_are_signed_in(house: House) -> None:
    async with house.client() as stranger:
        assert (await stranger.get("/api/openapi.json")).status_code == 401
    async with house.client(Role.VIEWER) as browser:
        answer = await browser.get("/api/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["info"]["title"] == "OPTRIA IQ"
