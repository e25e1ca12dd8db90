"""The detectors that look at all tags of an asset at once: T² of levels, and of errors of a forecast.

:class:`LevelT2Bank` compares levels with a slow reference that follows the process: it needs little
data. :class:`ForecastBank` compares each row with what the past foretells, over a long memory: it finds
what a controller hides and what a following reference forgets, and gets better the more it has seen.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from optria.streams.detectors import joint_levels
from optria.streams.detectors.bank import Floats, Rows, Selector
from optria.streams.detectors.joint_forecast import ForecastBank
from optria.streams.detectors.joint_levels import LevelT2Bank
from optria.streams.detectors.joint_tuning import FORECAST, JOINT, ForecastTuning, JointTuning

LEVELS = joint_levels.CHANNELS
CHANNELS = LEVELS + len(FORECAST.gains) + 1
Mask = NDArray[np.bool_]


class JointBank:
    """``floors`` has one array per asset: the least sigma of each of its tags, in the tag's unit.
    ``scan_s`` has the seconds between the rows of each asset (None: one).

    Inputs are padded to the largest asset: ``values`` and ``log_variance`` are float64[k, width], and
    ``fresh`` bool[k, width] says which of them are there. A tag that is not fresh takes no part.
    """

    def __init__(
        self,
        floors: Sequence[Floats],
        tuning: JointTuning = JOINT,
        forecast: ForecastTuning = FORECAST,
        scan_s: Sequence[float] | None = None,
    ) -> None:
        self.levels = LevelT2Bank(floors, tuning)
        self.width, sizes = self.levels.width, np.array(self.levels.sizes, np.intp)
        classes = np.ceil(np.log2(np.maximum(sizes, 4))).astype(np.intp)
        scans = np.ones(len(sizes)) if scan_s is None else np.asarray(scan_s, np.float64)
        self._class = np.searchsorted(np.unique(classes), classes)
        self._place = np.zeros(len(sizes), np.intp)
        self.forecasts: list[ForecastBank] = []
        for number in range(len(np.unique(classes))):
            alike = np.flatnonzero(self._class == number)
            self._place[alike] = np.arange(len(alike))
            self.forecasts.append(ForecastBank(sizes[alike].tolist(), scans[alike].tolist(), forecast))

    @property
    def count(self) -> Floats:
        """Rows that each asset has seen."""
        return self.levels.count

    @property
    def limit(self) -> Floats:
        """Limits of all channels, float64[assets, CHANNELS]; infinite for one that may not speak yet."""
        return self._limits(np.arange(len(self._class)))

    def score_many(self, assets: Rows, values: Floats, log_variance: Floats, fresh: Mask) -> Floats:
        """Excess in sigmas, float64[k, CHANNELS]; 0 until enough was learned."""
        excess = np.zeros((len(assets), CHANNELS))
        excess[:, :LEVELS] = self.levels.score_many(assets, values, log_variance, fresh)
        for bank, mine in self._classes(assets):
            rows = self._place[assets[mine]], values[mine, : bank.width], fresh[mine, : bank.width]
            excess[mine, LEVELS:] = bank.score_many(*rows)
        return excess

    def learn_many(self, assets: Rows, values: Floats, log_variance: Floats, fresh: Mask) -> None:
        """Take the vectors in; a channel that deviates does not learn."""
        self.observe_many(assets, values, log_variance, fresh)

    def observe_many(self, assets: Rows, values: Floats, log_variance: Floats, fresh: Mask) -> Floats:
        """Ratio of each channel to its limit, float64[k, CHANNELS], then learn: cheaper than one by one."""
        self._welcome(assets, fresh)
        limits, excess = self._limits(assets), np.zeros((len(assets), CHANNELS))
        excess[:, :LEVELS] = self.levels.observe_many(assets, values, log_variance, fresh)
        for bank, mine in self._classes(assets):
            rows = self._place[assets[mine]], values[mine, : bank.width], fresh[mine, : bank.width]
            excess[mine, LEVELS:] = bank.observe_many(*rows)
        return np.asarray(excess / limits)

    def rebase(self, assets: Rows) -> None:
        """The present state of these assets is their new normal; what was learned of its spread stays."""
        self.levels.rebase(assets)
        for bank, mine in self._classes(assets):
            bank.rebase(self._place[assets[mine]])

    def ratio(self, assets: Rows, excess: Floats) -> Floats:
        """Excess over its limit, float64[k, CHANNELS]; 0 during warm-up."""
        return np.asarray(excess / self._limits(assets))

    def residuals(self, asset: int, values: Floats, log_variance: Floats, fresh: Mask) -> Floats:
        """Signed conditional residual of each tag given the others, in sigmas: float64[CHANNELS, width]."""
        bank = self.forecasts[self._class[asset]]
        errors = np.zeros((bank.channels, self.width))
        errors[:, : bank.width] = bank.residuals(
            int(self._place[asset]), values[: bank.width], fresh[: bank.width]
        )
        return np.concatenate([self.levels.residuals(asset, values, log_variance, fresh), errors])

    def explained(self, asset: int) -> Floats:
        """How much of each tag the others explain in normal operation (R²), one per tag of the asset."""
        return self.levels.explained(asset)

    def reset(self, assets: Sequence[int] | Rows) -> None:
        """Forget these assets: they warm up again."""
        self.levels.reset(assets)
        for bank, mine in self._classes(np.asarray(assets, np.intp)):
            bank.reset(self._place[np.asarray(assets, np.intp)[mine]])

    def state_of(self, asset: int) -> dict[str, object]:
        """What was learned of one asset, as JSON."""
        forecast = self.forecasts[self._class[asset]].state_of(int(self._place[asset]))
        return self.levels.state_of(asset) | {"forecast": forecast}

    def restore_of(self, asset: int, state: Mapping[str, object]) -> None:
        """Take back :meth:`state_of`; raises KeyError, TypeError or ValueError for what is no such state."""
        forecast = state["forecast"]
        if not isinstance(forecast, dict):
            raise TypeError("not the state of an asset: forecast")
        self.levels.restore_of(asset, state)
        self.forecasts[self._class[asset]].restore_of(int(self._place[asset]), forecast)

    def forecast_of(self, asset: int) -> tuple[ForecastBank, int]:
        """The bank that foretells an asset, and the asset's place in it."""
        return self.forecasts[self._class[asset]], int(self._place[asset])

    def _welcome(self, assets: Rows, fresh: Mask) -> None:
        newcomer = self.levels.newcomers(assets, fresh)
        if newcomer.any():
            self.reset(assets[newcomer])

    def _classes(self, assets: Rows) -> list[tuple[ForecastBank, Selector]]:
        if len(self.forecasts) == 1:
            return [(self.forecasts[0], slice(None))]
        of = self._class[assets]
        return [(bank, np.flatnonzero(of == n)) for n, bank in enumerate(self.forecasts) if (of == n).any()]

    def _limits(self, assets: Rows) -> Floats:
        limits = np.empty((len(assets), CHANNELS))
        limits[:, :LEVELS] = self.levels.limit[assets]
        for bank, mine in self._classes(assets):
            limits[mine, LEVELS:] = bank.limit_of(self._place[assets[mine]])
        return limits
