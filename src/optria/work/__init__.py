"""Who does what: orders, assignment, notifications."""
