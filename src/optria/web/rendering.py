"""Pages as HTML: the Jinja environment, translation, built assets and the frame around every page.

A page route builds its context and calls :func:`render_page` with a :class:`Shell` (or ``None`` for a page
without the frame, such as login). Templates translate with ``_()``, and link assets with ``static()``.
"""

import gettext as gnu_gettext
import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final, Protocol

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from optria.core.arabic import CAUSE_AR
from optria.core.errors import ConfigurationError
from optria.core.roles import Permission
from optria.kit import clock
from optria.web import filters, sections
from optria.web.compressed import ImmutableFiles
from optria.web.page_words import signal_name
from optria.web.words import SCRIPT_WORDS, WORD_GROUPS, word

LANGUAGES: Final = ("en", "ar")
THEMES: Final = ("dark", "light")
_HERE: Final = Path(__file__).parent
_LANGUAGE: ContextVar[str] = ContextVar("optria_language", default="en")


class Signal(Protocol):
    """What has the name of a signal."""

    @property
    def label(self) -> str: ...
    @property
    def metric(self) -> str: ...


@dataclass(frozen=True, slots=True)
class SiteLink:
    """A site in the header's switch."""

    id: int
    code: str
    name: str
    name_ar: str = ""
    time_zone: str = "Asia/Riyadh"


@dataclass(frozen=True, slots=True)
class NotificationLine:
    """One line of the header's list. ``age_s`` is seconds since it was written."""

    title: str
    url: str
    age_s: float
    is_read: bool = False
    severity: str = ""
    written: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shell:
    """What the frame of every signed-in page shows.

    ``alarms`` counts active incidents by ``critical``, ``major`` and ``minor``; ``section`` is the key of the
    current entry of the rail. ``permissions`` decides what the frame offers.
    """

    user_name: str
    user_email: str
    role: str
    tenant_name: str
    section: str = ""
    sites: tuple[SiteLink, ...] = ()
    site: SiteLink | None = None
    alarms: Mapping[str, int] = field(default_factory=dict)
    unread_count: int = 0
    notifications: tuple[NotificationLine, ...] = ()
    permissions: frozenset[Permission] = frozenset()

    @property
    def initials(self) -> str:
        parts = (self.user_name or self.user_email).replace("_", " ").split()
        return "".join(part[0] for part in parts[:2]).upper() or "?"

    @property
    def plant_sections(self) -> list[sections.Section]:
        return sections.plant_sections(self.permissions)

    @property
    def settings_sections(self) -> list[sections.Section]:
        return sections.settings_sections(self.permissions)

    @property
    def more_sections(self) -> list[sections.Section]:
        return sections.beyond_a_phone(self.permissions)

    @property
    def admin_pages(self) -> list[sections.Section]:
        return sections.admin_pages(self.permissions)

    @property
    def time_zone(self) -> str:
        chosen = self.site or (self.sites[0] if self.sites else None)
        return chosen.time_zone if chosen else "UTC"


def templates_folder() -> Path:
    """The templates: packed beside the code in a wheel, at the top of a checkout."""
    packed = _HERE.parent / "_templates"
    checkout = _HERE.parents[2] / "templates"
    for folder in (packed, checkout):
        if folder.is_dir():
            return folder
    raise ConfigurationError("The page templates are missing: install optria again.")


@cache
def build_hash() -> str:
    """Hash of the built assets; part of their address, so that they can be cached for ever."""
    return str(json.loads((_HERE / "static" / "manifest.json").read_text("utf-8"))["build"])


def static(name: str) -> str:
    """Address of a built asset, such as ``app.css`` or ``js/app.js``."""
    return f"/static/{build_hash()}/{name}"


def mount_static(app: FastAPI) -> None:
    """Serves the built assets under their hash; every other ``/static`` address answers 404."""
    app.mount(f"/static/{build_hash()}", ImmutableFiles(directory=_HERE / "static"), name="static")


@cache
def _catalogue(language: str) -> gnu_gettext.NullTranslations:
    return gnu_gettext.translation("messages", _HERE / "locales", [language], fallback=True)


def translate(message: str, language: str | None = None) -> str:
    """``message`` in ``language`` (default: that of the page being rendered)."""
    return _catalogue(language or _LANGUAGE.get()).gettext(message)


def _ngettext(singular: str, plural: str, count: int) -> str:
    return _catalogue(_LANGUAGE.get()).ngettext(singular, plural, count)


def _pgettext(context: str, message: str) -> str:
    return _catalogue(_LANGUAGE.get()).pgettext(context, message)


def _npgettext(context: str, singular: str, plural: str, count: int) -> str:
    return _catalogue(_LANGUAGE.get()).npgettext(context, singular, plural, count)


@cache
def environment() -> Environment:
    """The one Jinja environment: escaped, strict about missing names, translated."""
    made = Environment(
        loader=FileSystemLoader(templates_folder()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    made.install_gettext_callables(  # type: ignore[attr-defined]
        translate, _ngettext, newstyle=True, pgettext=_pgettext, npgettext=_npgettext
    )
    made.globals.update(static=static, script_words=_script_words)
    made.filters.update(filters.FILTERS)
    made.filters["word"] = _word
    made.filters["cause"] = _cause
    made.filters["signal_name"] = _signal_name
    made.filters["metric_name"] = _metric_name
    return made


def _cause(label: str) -> str:
    """A root cause in the language of the page."""
    return CAUSE_AR.get(label, label) if _LANGUAGE.get() == "ar" else label.capitalize()


def _metric_name(metric: str) -> str:
    return signal_name(None, metric, _LANGUAGE.get())


def _signal_name(signal: Signal) -> str:
    """A signal in the language of the page."""
    return signal_name(signal.label, signal.metric, _LANGUAGE.get())


def _word(key: str, kind: str) -> str:
    return translate(word(kind, key))


def _script_words(groups: str = "") -> dict[str, str]:
    """The sentences of every page's scripts, and those of the ``groups`` that this page's scripts say."""
    asked = groups.split()
    unasked = tuple(f"{group}." for group in WORD_GROUPS if group not in asked)
    said = {key: translate(text) for key, text in SCRIPT_WORDS.items() if not key.startswith(unasked)}
    causes = {f"cause.{label}": _cause(label) for label in CAUSE_AR}
    return said | causes if "cause" in asked else said


def language_of(request: Request) -> str:
    """``?lang=`` first, then the cookie, then English."""
    for asked in (request.query_params.get("lang"), request.cookies.get("optria_lang")):
        if asked in LANGUAGES:
            return str(asked)
    return "en"


def theme_of(request: Request) -> str:
    """The theme of the cookie; dark, the control-room default, when there is none."""
    asked = request.cookies.get("optria_theme", "")
    return asked if asked in THEMES else "dark"


def now_ms() -> int:
    """Epoch milliseconds, the clock that the browser ages values by."""
    return int(clock.now().timestamp() * 1000)


def render_text(template: str, language: str, context: Mapping[str, object]) -> str:
    """The text of a template in ``language``."""
    token = _LANGUAGE.set(language)
    try:
        return environment().get_template(template).render({"language": language, **context})
    finally:
        _LANGUAGE.reset(token)


def render_page(
    request: Request, template: str, shell: Shell | None, *, status_code: int = 200, **context: object
) -> HTMLResponse:
    """An HTML page in the viewer's language and theme; ``?lang=`` is remembered in a cookie."""
    language = language_of(request)
    frame = {
        "request": request,
        "shell": shell,
        "direction": "rtl" if language == "ar" else "ltr",
        "theme": theme_of(request),
        "comma": "، " if language == "ar" else ", ",
        "now_ms": now_ms(),
        "other_language_url": _other_language(request, language),
    }
    html = render_text(template, language, frame | context)
    response = HTMLResponse(html, status_code, headers={"Cache-Control": "no-store"})
    if request.query_params.get("lang") in LANGUAGES:
        response.set_cookie("optria_lang", language, max_age=31_536_000, samesite="lax")
    return response


def _other_language(request: Request, language: str) -> str:
    other = "en" if language == "ar" else "ar"
    url = request.url.include_query_params(lang=other)
    return f"{url.path}?{url.query}"
