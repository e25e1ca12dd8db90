"""Async and operations parts that know nothing of plants."""
