"""Detectors: banks over all tags or assets, their scalar River references, and any stock River detector."""
