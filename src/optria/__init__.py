"""OPTRIA IQ: from a plant signal to an assigned work order."""

__version__ = "0.1.0"
