"""What a bank of forecasts holds between two fits: the block it is filling, and what the last fit gave.

The learned state alone gives another fit (of a later moment) and an empty block: with this beside it, a bank
goes on to the last bit as if it had never ended.
"""

from math import prod

import numpy as np

from optria.streams.detectors.joint_forecast import DERIVED, ForecastBank

WHOLE = (*DERIVED, "due", "at", "spoilt")
BLOCKS = ("block", "channel_block")


def unfinished(bank: ForecastBank, place: int) -> bytes:
    """Of one asset, as little-endian float64: arrays one after the other, blocks as far as filled."""
    filled = int(bank.at[place])
    parts = [np.ravel(np.asarray(getattr(bank, name)[place], "<f8")) for name in WHOLE]
    parts += [np.ravel(np.asarray(getattr(bank, name)[place, :filled], "<f8")) for name in BLOCKS]
    return np.concatenate(parts).tobytes()


def go_on(bank: ForecastBank, place: int, held: bytes) -> None:
    """Take back :func:`unfinished`; raises ValueError for what is not of a bank like this one."""
    values = np.frombuffer(held, "<f8")
    if not np.isfinite(values[_whole_size(bank) :]).all() or np.isnan(values).any():
        raise ValueError("what a forecast held has values that are no numbers")
    taken = 0
    read = []
    for name in WHOLE:
        shape = getattr(bank, name)[place].shape
        read.append(values[taken : taken + prod(shape)].reshape(shape))
        taken += prod(shape)
    filled = int(read[WHOLE.index("at")])
    for name in BLOCKS:
        width = getattr(bank, name).shape[2]
        read.append(values[taken : taken + filled * width].reshape(filled, width))
        taken += filled * width
    if taken != len(values) or not 0 <= filled < bank.tuning.block:
        raise ValueError("what a forecast held is not of an asset like this one")
    for name, array in zip(WHOLE, read, strict=False):
        getattr(bank, name)[place] = array
    for name, array in zip(BLOCKS, read[len(WHOLE) :], strict=True):
        getattr(bank, name)[place, :filled] = array


def _whole_size(bank: ForecastBank) -> int:
    return sum(prod(getattr(bank, name).shape[1:]) for name in WHOLE)
