"""docs/configuration.md names every route of the configuration, and none that does not exist."""

import json
import re
from pathlib import Path

from optria.web.bodies import NewBody
from optria.web.config import config_routes
from optria.web.config.config_rule_bodies import RuleTrial
from optria.web.rule_pages import rule_routes

DOCUMENT = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text("utf-8")


def test_the_table_is_the_routes() -> None:
    rows = re.findall(r"^\| [^|]*\| `(/api/config/[^`]+)` \| ([A-Z ]+) \|", DOCUMENT, re.MULTILINE)
    written = {(path, method) for path, methods in rows for method in methods.split()}
    routes = {
        (str(getattr(route, "path", "")), method)
        for router in (*config_routes.ROUTERS, *rule_routes.ROUTERS)
        for route in router.routes
        if str(getattr(route, "path", "")).startswith("/api/config/")
        for method in getattr(route, "methods", ())
    }
    assert written == routes
    assert len(routes) > 30


def test_the_trial_of_a_rule_fits() -> None:
    """The other examples are run as they stand (tests/test_docs.py); this one wants an incident."""
    (body,) = re.findall(r"rules/try -d '(\{.*?\})'", DOCUMENT, re.DOTALL)
    RuleTrial.model_validate(json.loads(body))


def test_every_example_of_a_body_fits_it() -> None:
    kinds = [kind for kind in _kinds(NewBody) if "json_schema_extra" in kind.model_config]
    assert len(kinds) > 10
    for kind in kinds:
        extra = kind.model_config["json_schema_extra"]
        assert isinstance(extra, dict)
        examples = extra["examples"]
        assert isinstance(examples, list)
        for example in examples:
            kind.model_validate(example)


def _kinds(kind: type[NewBody]) -> list[type[NewBody]]:
    return [one for each in kind.__subclasses__() for one in (each, *_kinds(each))]
