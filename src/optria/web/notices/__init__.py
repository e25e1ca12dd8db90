"""Notifications, preferences, deliveries, webhooks."""
