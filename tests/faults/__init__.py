"""The fault matrix: what a plant loses, and what must happen then. ``make faults`` runs it at full length."""
