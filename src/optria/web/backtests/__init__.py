"""Trying rules and limits on what was recorded."""
