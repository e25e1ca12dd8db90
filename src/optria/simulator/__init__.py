"""A simulated plant that speaks real protocols."""
