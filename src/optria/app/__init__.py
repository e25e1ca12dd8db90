"""The composition root: builds everything and keeps it running."""

from optria.app.server import run_server

__all__ = ["run_server"]
