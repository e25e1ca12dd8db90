"""How an incident unfolds: anchor, incident, analysis, order."""
