"""A causal rule of your own is a row of JSON: this one speaks when a pump runs hot on little flow."""

from optria.core.errors import Invalid
from optria.rca.rules import parse_rule

rule = parse_rule(
    {
        "id": 1,
        "name": "Hot pump, little flow",
        "root_cause_category": "PUMP_CAVITATION",
        "confidence": 0.8,
        "pattern": {
            "asset_types": ["Pump"],
            "all": [
                {"metric": "temperature", "direction": "high"},
                {"metric": "flow", "direction": "low"},
            ],
            "contrary": [{"metric": "suction_pressure", "direction": "high"}],
        },
    }
)
print(rule.cause, "from", [f"{c.metric} {c.direction}" for c in rule.conditions])

try:
    parse_rule({"id": 2, "name": "Broken", "root_cause_category": "X", "pattern": {"all": []}})
except Invalid as error:
    print("refused:", error)
