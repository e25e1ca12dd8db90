"""Why it happened: pure analysis of one case."""
