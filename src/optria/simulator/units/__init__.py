"""Process units: rotating machines, pumps, compressors, valves, exchangers."""
