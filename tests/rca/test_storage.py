"""An analysis survives being stored."""

import json

import pytest

from optria.core.errors import Invalid
from optria.rca.engine import analyse
from optria.rca.storage import from_json, to_json
from tests.rca.cases import case


@pytest.mark.clause("A28")
@pytest.mark.parametrize(
    "absent", [{}, {"cost_references": (), "carbon_factors": ()}, {"series": (), "events": (), "history": ()}]
)
def test_what_was_stored_is_what_is_read(absent: dict[str, tuple[()]]) -> None:
    analysis = analyse(case(**absent))
    assert from_json(json.loads(json.dumps(to_json(analysis)))) == analysis


@pytest.mark.parametrize("spoil", [{"window": None}, {"causes": "x"}, {"analysed_at": "soon"}, {"extra": 1}])
def test_anything_else_is_refused(spoil: dict[str, object]) -> None:
    with pytest.raises(Invalid, match="stored analysis"):
        from_json({**to_json(analyse(case())), **spoil})
