"""What is stored, and the transaction."""
