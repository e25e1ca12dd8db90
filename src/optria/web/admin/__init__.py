"""How the product itself and its alarms do."""
