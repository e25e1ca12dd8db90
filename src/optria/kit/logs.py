"""Structured logs: keys and values for machines, one readable line for people."""

import logging
import re
import sys

import structlog

HIDDEN = "********"
SECRET_KEY = re.compile(
    r"pass(word|phrase|wd)?$|secret|token|credential|cookie|authorization|api_?key", re.IGNORECASE
)
PASSWORD = re.compile(r"(://[^:/@\s]*:)\S*@")


def configure(level: str = "INFO", json: bool = False) -> None:
    """Set up structlog and quieten the libraries that format whole payloads at INFO."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            without_secrets,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S.%f" if not json else "iso", utc=json),
            structlog.processors.format_exc_info if json else _keep,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    for noisy in ("asyncua", "alembic", "httpx", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


def without_secrets(
    _logger: structlog.typing.WrappedLogger, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Whatever a line was given: no value of a key that names a secret, no password in an address."""
    return {key: HIDDEN if SECRET_KEY.search(key) else _shown(value) for key, value in event.items()}


def _shown(value: object) -> object:
    if isinstance(value, str):
        return PASSWORD.sub(rf"\1{HIDDEN}@", value)
    if isinstance(value, dict):
        return {k: HIDDEN if SECRET_KEY.search(str(k)) else _shown(each) for k, each in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(each) for each in value]
    return value


def _keep(
    _logger: structlog.typing.WrappedLogger, _name: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return event
