"""What happens to every sample."""
