"""Connections to plant systems and the signals they map."""
