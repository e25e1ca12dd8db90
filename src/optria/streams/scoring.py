"""Scores of tags and assets: the banks and the chosen River detectors."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from optria.core.asset import PlantModel
from optria.streams.chosen import Chosen, per_tag, settings_of
from optria.streams.detectors.bank import DifferenceVarianceBank, Floats, LevelBank, Rows, Selector
from optria.streams.detectors.built_in import BuiltIn
from optria.streams.detectors.joint import CHANNELS, JointBank
from optria.streams.detectors.joint_tuning import after
from optria.streams.detectors.tuning import SETTLING, USUAL
from optria.streams.roster import Roster
from optria.streams.stuck import StuckTimer

REWARM_GAP_US = 3_600_000_000
"""A tag that was away for an hour comes back to another plant: it is learned anew."""
FRESH_SCANS = 3
ONSET_MEMORY_US = 300_000_000
STUCK_SCORE = 2.0
NEVER = np.iinfo(np.int64).min // 2


class Scorer:
    """Everything learned of one plant. Rows are those of the roster; ``asset`` is a position in it.

    ``warm_up`` is the number of samples before limits are set (None: the usual); a tag that was away for
    longer than ``rewarm_gap_us`` is learned anew.
    """

    def __init__(
        self,
        plant: PlantModel,
        roster: Roster,
        stuck: StuckTimer,
        warm_up: int | None = None,
        rewarm_gap_us: int = REWARM_GAP_US,
    ) -> None:
        size, assets = len(roster), len(roster.asset_ids)
        self.roster, self.stuck, self._rewarm_gap_us = roster, stuck, rewarm_gap_us
        usual = BuiltIn() if warm_up is None else BuiltIn(warm_up=float(warm_up))
        self.settings = settings_of(plant, roster, usual)
        self.sensitivity = np.array([s.sensitivity for s in self.settings], np.float64)
        self.level = LevelBank(roster.floor)
        self.variance = DifferenceVarianceBank(0.2 * roster.floor)
        self.members = [np.flatnonzero(roster.asset_row == a) for a in range(assets)]
        self.joint = JointBank(
            [roster.floor[rows] for rows in self.members],
            *after(warm_up),
            scan_s=[float(roster.scan_us[rows].min()) / 1e6 for rows in self.members],
        )
        self._set_banks()
        self.linked = _linked(plant, roster)
        self.chosen = Chosen(plant, roster, self.members)
        self.errors: Counter[str] = Counter()
        self.value = np.zeros(size)
        self.time = np.full(size, NEVER, np.int64)
        self.level_ratio, self.variance_ratio = np.zeros(size), np.zeros(size)
        self.level_z, self.log_variance = np.zeros(size), np.zeros(size)
        self.onset = np.full(size, NEVER, np.int64)
        self.deviated = np.full(size, NEVER, np.int64)
        self.peak, self.settling = np.zeros(size), np.zeros(assets)
        self.joint_ratio = np.zeros((assets, CHANNELS))
        self.padded = np.full((assets, self.joint.width), -1, np.intp)
        for asset, rows in enumerate(self.members):
            self.padded[asset, : len(rows)] = rows
        self._scan_us = np.array([int(roster.scan_us[rows].min()) for rows in self.members], np.int64)
        self.last_run = np.full(assets, NEVER, np.int64)

    def observe(self, rows: Rows, values: Floats, time: NDArray[np.int64]) -> None:
        """Score and learn good samples of distinct tags, rows ascending."""
        away = rows[(time - self.time[rows] > self._rewarm_gap_us) & (self.time[rows] > NEVER)]
        if len(away):
            self.reset_tags(away)
        at = slice(None) if len(rows) == len(self.roster) else rows
        self.level_z[at], self.level_ratio[at], restless, over = self.level.observe_many(at, values)
        self.variance_ratio[at], self.log_variance[at] = self.variance.observe_many(at, values)
        if len(restless):
            self.joint.reset(np.unique(self.roster.asset_row[rows[restless]]))
        self.value[at], self.time[at] = values, time
        self._note_onsets(rows, time)
        if len(over):
            self._settle(rows[over])
        self._note_peaks(at)
        broken = rows[~np.isfinite(self.level_z[at] + self.variance_ratio[at])]
        if len(broken):
            self._repair(broken)

    def due(self, rows: Rows) -> Rows:
        """The assets of these rows whose vector is to be looked at now: once per scan."""
        assets = np.unique(self.roster.asset_row[rows])
        newest = self.newest(assets)
        return assets[newest - self.last_run[assets] >= self._scan_us[assets] // 2]

    def newest(self, assets: Rows) -> NDArray[np.int64]:
        """Time of the newest sample of each asset."""
        tags = self.padded[assets]
        return np.asarray(np.where(tags >= 0, self.time[tags], NEVER).max(axis=1, initial=NEVER))

    def score_assets(self, assets: Rows) -> Floats:
        """Fused score over limit of each asset: the largest of its channels. Learns the vectors."""
        fresh, tags = self.fresh(assets), self.padded[assets]
        values = np.where(fresh, self.value[tags], 0.0)
        logs = np.where(fresh, self.log_variance[tags], 0.0)
        self._rebase_joint(assets)
        ratio = self.joint.observe_many(assets, values, logs, fresh)
        broken = ~np.isfinite(ratio).all(axis=1)
        if broken.any():
            self.errors["joint"] += int(broken.sum())
            self.joint.reset(assets[broken])
            ratio[broken] = 0.0
        ratio[self.joint.count[assets] < self._asset_warm_up[assets]] = 0.0
        self.joint_ratio[assets] = ratio
        tag_ratio = np.maximum(np.abs(self.level_ratio), np.abs(self.variance_ratio))
        single = np.where(fresh & self.chosen.built_in_tags[tags], tag_ratio[tags], 0.0).max(
            axis=1, initial=0.0
        )
        fused = np.where(self.chosen.built_in_assets[assets], np.maximum(single, ratio.max(axis=1)), 0.0)
        fused *= self.sensitivity[assets]
        fused = np.maximum(fused, self.chosen.score(assets, self.value, self.fresh_rows(assets)))
        self.last_run[assets] = self.newest(assets)
        return np.maximum(fused, np.where(self.stuck_alone(assets), STUCK_SCORE, 0.0))

    def fresh_rows(self, assets: Rows) -> NDArray[np.bool_]:
        """Mask over all rows: good samples not older than three scans, of these assets."""
        mask = np.zeros(len(self.roster), bool)
        tags = self.padded[assets]
        mask[tags[self.fresh(assets)]] = True
        return mask

    def deviated_lately(self, row: int) -> bool:
        """Whether the onset of a tag belongs to what happens now."""
        return bool(self.onset[row] > NEVER and self.time[row] - self.deviated[row] <= ONSET_MEMORY_US)

    def end_warm_up(self) -> None:
        """Nothing is away any more: references go to where the tags are, what was learned stays."""
        every = np.arange(len(self.roster))
        self.level.settle(every[self.level.held(every)])
        self.variance.settle(every)
        self.peak[:], self.settling[:] = 0.0, SETTLING
        self.onset[:] = self.deviated[:] = NEVER

    def _set_banks(self) -> None:
        """The settings of each asset type, on its tags."""
        warm_up = per_tag(self.settings, "warm_up", self.roster.asset_row)
        hold = per_tag(self.settings, "hold", self.roster.asset_row)
        for bank in (self.level.usual, self.level.recent, self.variance.gate):
            bank.warm_up, bank.hold = warm_up, hold
            bank.release = hold * (USUAL.release / USUAL.hold)
        self._asset_warm_up = np.array([s.warm_up for s in self.settings], np.float64)

    def reset_tags(self, rows: Rows) -> None:
        """Forget tags: they and their assets warm up again."""
        self.level.reset(rows)
        self.variance.reset(rows)
        self.level_ratio[rows] = self.variance_ratio[rows] = self.level_z[rows] = 0.0
        self.onset[rows] = self.deviated[rows] = NEVER
        self.peak[rows] = 0.0
        self.joint.reset(np.unique(self.roster.asset_row[rows]))
        self.chosen.reset(np.unique(self.roster.asset_row[rows]))

    def put_back(self, rows: Rows, latest_us: int) -> None:
        """The times of these tags were ahead: what was learned stays, their times end at ``latest_us``."""
        self.time[rows] = np.minimum(self.time[rows], latest_us)
        self.onset[rows] = np.minimum(self.onset[rows], latest_us)
        self.deviated[rows] = np.minimum(self.deviated[rows], latest_us)
        assets = np.unique(self.roster.asset_row[rows])
        self.last_run[assets] = np.minimum(self.last_run[assets], latest_us)

    def _note_peaks(self, at: Selector) -> None:
        """The largest ratio of each tag while it is away."""
        size = np.abs(self.level_ratio[at])
        self.peak[at] = np.where(self.level.held(at), np.maximum(self.peak[at], size), 0.0)

    def _settle(self, over: Rows) -> None:
        """Tags came back most of the way. Where that was the loudest tag, the disturbance of its asset is
        over: what is still away (a slow temperature, a level that differs a little) is normal now."""
        self.variance.settle(over)
        for asset in np.unique(self.roster.asset_row[over]).tolist():
            rows = self.members[asset]
            mine = over[self.roster.asset_row[over] == asset]
            self.settling[asset] = SETTLING
            if self.peak[mine].max() >= self.peak[rows].max():
                self.level.settle(rows)

    def _rebase_joint(self, assets: Rows) -> None:
        """While an asset settles, the references of its vector go with it."""
        chosen = assets[self.settling[assets] > 0]
        if len(chosen):
            self.settling[chosen] -= 1
            self.joint.rebase(chosen)

    def _repair(self, rows: Rows) -> None:
        self.errors["level"] += len(rows)
        self.reset_tags(rows)

    def fresh(self, assets: Rows) -> NDArray[np.bool_]:
        tags = self.padded[assets]
        age = self.newest(assets)[:, None] - self.time[tags]
        return (tags >= 0) & (self.time[tags] > NEVER) & (age <= FRESH_SCANS * self.roster.scan_us[tags])

    def _note_onsets(self, rows: Rows, time: NDArray[np.int64]) -> None:
        away = self.level.held(rows) | (self.variance.held[rows] > 0)
        begins = away & (time - self.deviated[rows] > ONSET_MEMORY_US)
        self.onset[rows] = np.where(begins, time, self.onset[rows])
        self.deviated[rows] = np.where(away, time, self.deviated[rows])

    def stuck_alone(self, assets: Rows) -> NDArray[np.bool_]:
        """A stuck tag while at least as many of its asset live: an instrument, not a stopped source."""
        tags = self.padded[assets]
        stuck = (tags >= 0) & self.stuck.flagged[tags]
        alive = self.fresh(assets) & ~stuck
        return np.asarray(stuck.any(axis=1) & (alive.sum(axis=1) >= stuck.sum(axis=1)))


def _linked(plant: PlantModel, roster: Roster) -> list[Rows]:
    """Positions of the assets up- and downstream of each asset."""
    place = {asset_id: at for at, asset_id in enumerate(roster.asset_ids)}
    beside: list[set[int]] = [set() for _ in roster.asset_ids]
    for link in plant.links:
        if link.source in place and link.target in place:
            beside[place[link.source]].add(place[link.target])
            beside[place[link.target]].add(place[link.source])
    return [np.array(sorted(near), np.intp) for near in beside]
