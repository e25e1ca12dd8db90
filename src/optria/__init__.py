"""OPTRIA IQ: from a plant signal to an assigned work order."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: its matrices are small, threads cost more

__version__ = "0.1.0"
