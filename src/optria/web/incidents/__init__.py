"""Incidents: the API, the page, the flight recorder, what-if, the report."""
