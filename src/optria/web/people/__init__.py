"""Sign-in, accounts, tenants, who is on call."""
