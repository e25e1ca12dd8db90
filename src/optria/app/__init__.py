"""The composition root: builds everything and keeps it running."""

from optria.app.server import refuse_public, run_server

__all__ = ["refuse_public", "run_server"]
