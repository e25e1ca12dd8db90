"""Answers in the description of the API: refusals that operations share, and examples of the main things."""

from collections.abc import Mapping
from typing import Any, Final

SENTENCE: Final[dict[str, object]] = {
    "type": "object",
    "title": "Refusal",
    "description": "Why a request was refused, in a sentence for people.",
    "required": ["detail"],
    "properties": {"detail": {"type": "string"}},
}
FIELDS: Final[dict[str, object]] = {
    "type": "object",
    "title": "MalformedRequest",
    "description": "Which fields of a request cannot be read, and why.",
    "required": ["detail"],
    "properties": {
        "detail": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["loc", "msg", "type"],
                "properties": {
                    "loc": {"type": "array", "items": {"type": ["string", "integer"]}},
                    "msg": {"type": "string"},
                    "type": {"type": "string"},
                },
            },
        }
    },
}
PROBLEMS: Final = {"Refusal": SENTENCE, "MalformedRequest": FIELDS}
"""Schemas of the refusals, by their names in the document."""

_REFUSAL: Final = {"$ref": "#/components/schemas/Refusal"}
_EITHER: Final = {"oneOf": [_REFUSAL, {"$ref": "#/components/schemas/MalformedRequest"}]}
_MALFORMED: Final = [
    {"loc": ["query", "limit"], "msg": "Input should be less than or equal to 500", "type": "x"}
]
_SAID: Final[Mapping[int, tuple[str, str]]] = {
    401: ("Nobody is signed in, or the session has ended.", "Please sign in."),
    403: ("The role does not allow it, or a page of another site asked.", "Not authorized"),
    404: ("There is no such thing, or it belongs to another tenant.", "There is no such thing."),
    409: (
        "It contradicts what is there by now.",
        "Somebody else has changed this meanwhile; look at it again.",
    ),
    413: ("The body is larger than 1 MiB.", "The request is larger than 1024 KiB. Send less at a time."),
    422: (
        "The request cannot be read, or asks for something impossible.",
        "The end lies before the beginning.",
    ),
    429: ("Too many attempts.", "Too many attempts to sign in. Try again in 15 min."),
    503: (
        "Something this needs is away: the database, or the plant source it asks.",
        "The database cannot be reached at the moment. Try again shortly.",
    ),
}
REFUSALS: Final = frozenset(str(status) for status in _SAID)
_RETRY_AFTER: Final = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string", "pattern": "^[0-9]+$"}}
}


def problem(status: int) -> dict[str, Any]:
    """A Response Object for a refusal."""
    meaning, sentence = _SAID[status]
    content: dict[str, object] = {"schema": _EITHER if status == 422 else _REFUSAL}
    if status == 422:
        content["examples"] = {
            "sentence": {"value": {"detail": sentence}},
            "fields": {"value": {"detail": _MALFORMED}},
        }
    else:
        content["example"] = {"detail": sentence}
    response: dict[str, Any] = {"description": meaning, "content": {"application/json": content}}
    if status in (429, 503):
        response["headers"] = _RETRY_AFTER
    return response


_USER: Final[dict[str, object]] = {
    "id": 4,
    "tenant_id": 1,
    "email": "engineer@aramco.demo",
    "username": "engineer",
    "role": "engineer",
    "full_name": "Fahad Al-Qahtani",
    "full_name_ar": "فهد القحطاني",
    "is_active": True,
    "auth_source": "local",
    "last_login": "2026-11-22T06:58:12.204113+00:00",
    "created_at": "2026-10-01T05:00:00+00:00",
}
_SITE: Final[dict[str, object]] = {
    "id": 2,
    "tenant_id": 1,
    "code": "PLANT-B",
    "name": "Abqaiq Processing Plant",
    "name_ar": "معمل بقيق",
    "location": "Abqaiq",
    "site_type": "processing",
    "is_active": True,
    "time_zone": "Asia/Riyadh",
}
_ASSET: Final[dict[str, object]] = {
    "id": 9,
    "tenant_id": 1,
    "site_id": 2,
    "parent_asset_id": None,
    "code": "P-102B",
    "name": "Crude Export Pump B",
    "name_ar": "مضخة تصدير الخام ب",
    "asset_type": "Pump",
    "manufacturer": None,
    "model": None,
    "serial_number": None,
    "criticality": "high",
    "production_capacity": 450.0,
    "production_unit": "m³/h",
    "status": "operational",
    "is_active": True,
}
ANSWER_EXAMPLES: Final[Mapping[str, object]] = {
    "POST /api/auth/login": {
        "success": True,
        "message": "Login successful",
        "user": _USER,
        "redirect_url": "/digital-twin",
    },
    "GET /api/auth/me": _USER,
    "GET /api/auth/check": {"authenticated": True, "user": _USER},
    "GET /api/assets/sites": [_SITE],
    "GET /api/assets/": {"total": 1, "assets": [_ASSET]},
}
"""What the main operations answer, by method and path; a test compares their keys with real answers."""
