"""Sensor data of a window: from the stream's rings where they reach back far enough, else from history."""
