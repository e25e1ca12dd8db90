"""The codes of ISO 14224 as the API and the pages show them."""

from dataclasses import asdict

from optria.core.iso14224 import STANDARD, failure_codes
from optria.web.shapes import Json


def iso_json(label: str) -> Json:
    """The codes of ISO 14224 with their names and the tables that list them."""
    codes = failure_codes(label)
    return {
        "standard": STANDARD,
        "failure_mode": asdict(codes.mode),
        "failure_mechanism": asdict(codes.mechanism),
    }
