"""The causal rules that a tenant begins with: they hold for machines, not for one plant."""

import json
from decimal import Decimal
from importlib.resources import files
from typing import Any

from optria.db.blackbox import RcaRule


def read_rules() -> list[dict[str, Any]]:
    """Each rule as JSON: name, description, pattern, root_cause_category, confidence, priority."""
    text = files("optria.db").joinpath("starting_rules.json").read_text("utf-8")
    rules: list[dict[str, Any]] = json.loads(text)
    return rules


def starting_rules(tenant_id: int) -> list[RcaRule]:
    """The rules as rows of a new tenant."""
    return [
        RcaRule(
            tenant_id=tenant_id,
            name=rule["name"],
            description=rule.get("description"),
            pattern=rule["pattern"],
            root_cause_category=rule["root_cause_category"],
            confidence=Decimal(str(rule["confidence"])),
            priority=rule.get("priority", 100),
            is_system=False,
        )
        for rule in read_rules()
    ]
