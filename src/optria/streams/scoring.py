"""Scores of tags and assets: the banks, the chosen River detectors, and who is to blame."""

from collections import Counter
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from optria.core.asset import PlantModel
from optria.core.incident import Contribution
from optria.core.tag import from_micros
from optria.streams.anchoring import Blame
from optria.streams.chosen import Chosen
from optria.streams.detectors.bank import DifferenceVarianceBank, Floats, LevelBank, Rows, Selector
from optria.streams.detectors.joint import JointBank
from optria.streams.detectors.tuning import SETTLING
from optria.streams.roster import Roster
from optria.streams.stuck import StuckTimer

REWARM_GAP_US = 3_600_000_000
"""A tag that was away for an hour comes back to another plant: it is learned anew."""
ONSET_MEMORY_US = 300_000_000
FRESH_SCANS = 3
STUCK_SCORE = 2.0
NEIGHBOURS_CALM = 2.5
"""|z| below which a neighbour counts as staying put."""
EXPLAINED = 0.3
"""R² from which a tag is so close to its neighbours that leaving them alone speaks of the instrument."""
TOP = 5
NEVER = np.iinfo(np.int64).min // 2


class Scorer:
    """Everything learned of one plant. Rows are those of the roster; ``asset`` is a position in it."""

    def __init__(self, plant: PlantModel, roster: Roster, stuck: StuckTimer) -> None:
        size, assets = len(roster), len(roster.asset_ids)
        self.roster, self.stuck = roster, stuck
        self.level = LevelBank(roster.floor)
        self.variance = DifferenceVarianceBank(0.2 * roster.floor)
        self.members = [np.flatnonzero(roster.asset_row == a) for a in range(assets)]
        self.joint = JointBank([roster.floor[rows] for rows in self.members])
        self.chosen = Chosen(plant, roster, self.members)
        self.errors: Counter[str] = Counter()
        self.value = np.zeros(size)
        self.time = np.full(size, NEVER, np.int64)
        self.level_ratio, self.variance_ratio = np.zeros(size), np.zeros(size)
        self.level_z, self.log_variance = np.zeros(size), np.zeros(size)
        self.onset = np.full(size, NEVER, np.int64)
        self.deviated = np.full(size, NEVER, np.int64)
        self.peak, self.settling = np.zeros(size), np.zeros(assets)
        self.joint_ratio = np.zeros((assets, 4))
        self._padded = np.full((assets, self.joint.width), -1, np.intp)
        for asset, rows in enumerate(self.members):
            self._padded[asset, : len(rows)] = rows
        self._scan_us = np.array([int(roster.scan_us[rows].min()) for rows in self.members], np.int64)
        self._last_run = np.full(assets, NEVER, np.int64)

    def observe(self, rows: Rows, values: Floats, time: NDArray[np.int64]) -> None:
        """Score and learn good samples of distinct tags, rows ascending."""
        away = rows[(time - self.time[rows] > REWARM_GAP_US) & (self.time[rows] > NEVER)]
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
        return assets[newest - self._last_run[assets] >= self._scan_us[assets] // 2]

    def newest(self, assets: Rows) -> NDArray[np.int64]:
        """Time of the newest sample of each asset."""
        tags = self._padded[assets]
        return np.asarray(np.where(tags >= 0, self.time[tags], NEVER).max(axis=1, initial=NEVER))

    def score_assets(self, assets: Rows) -> Floats:
        """Fused score over limit of each asset: the largest of its channels. Learns the vectors."""
        fresh, tags = self._fresh(assets), self._padded[assets]
        values = np.where(fresh, self.value[tags], 0.0)
        logs = np.where(fresh, self.log_variance[tags], 0.0)
        self._rebase_joint(assets)
        ratio = self.joint.ratio(assets, self.joint.score_many(assets, values, logs, fresh))
        self.joint.learn_many(assets, values, logs, fresh)
        broken = ~np.isfinite(ratio).all(axis=1)
        if broken.any():
            self.errors["joint"] += int(broken.sum())
            self.joint.reset(assets[broken])
            ratio[broken] = 0.0
        self.joint_ratio[assets] = ratio
        tag_ratio = np.maximum(np.abs(self.level_ratio), np.abs(self.variance_ratio))
        single = np.where(fresh & self.chosen.built_in_tags[tags], tag_ratio[tags], 0.0).max(
            axis=1, initial=0.0
        )
        fused = np.where(self.chosen.built_in_assets[assets], np.maximum(single, ratio.max(axis=1)), 0.0)
        fused = np.maximum(fused, self.chosen.score(assets, self.value, self.fresh_rows(assets)))
        self._last_run[assets] = self.newest(assets)
        return np.maximum(fused, np.where(self._stuck_alone(assets), STUCK_SCORE, 0.0))

    def fresh_rows(self, assets: Rows) -> NDArray[np.bool_]:
        """Mask over all rows: good samples not older than three scans, of these assets."""
        mask = np.zeros(len(self.roster), bool)
        tags = self._padded[assets]
        mask[tags[self._fresh(assets)]] = True
        return mask

    def blame(self, asset_id: int) -> Blame:
        """The five tags that speak most for a deviation, the detector that saw it most, and its mode."""
        asset = self.roster.asset_ids.index(asset_id)
        rows = self.members[asset]
        scores, residuals = self._tag_scores(asset, rows)
        stuck = (
            self.stuck.flagged[rows] if self._stuck_alone(np.array([asset]))[0] else np.zeros(len(rows), bool)
        )
        scores = np.where(stuck, np.maximum(scores, STUCK_SCORE), scores)
        order = np.argsort(-scores, kind="stable")[:TOP]
        contributions = tuple(
            self._contribution(int(rows[i]), float(scores[i]), float(residuals[i])) for i in order
        )
        alone = bool(stuck.any()) or self._breaks_alone(asset, rows, residuals)
        mode = "sensor" if alone else "process"
        return Blame(contributions, self._loudest(asset, rows, bool(stuck.any())), mode)

    def reset_tags(self, rows: Rows) -> None:
        """Forget tags: they and their assets warm up again."""
        self.level.reset(rows)
        self.variance.reset(rows)
        self.level_ratio[rows] = self.variance_ratio[rows] = self.level_z[rows] = 0.0
        self.onset[rows] = self.deviated[rows] = NEVER
        self.joint.reset(np.unique(self.roster.asset_row[rows]))
        self.chosen.reset(np.unique(self.roster.asset_row[rows]))

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
            self.joint.slow[chosen], self.joint.held[chosen] = self.joint.smooth[chosen], 0.0

    def _repair(self, rows: Rows) -> None:
        self.errors["level"] += len(rows)
        self.reset_tags(rows)

    def _fresh(self, assets: Rows) -> NDArray[np.bool_]:
        tags = self._padded[assets]
        age = self.newest(assets)[:, None] - self.time[tags]
        return (tags >= 0) & (self.time[tags] > NEVER) & (age <= FRESH_SCANS * self.roster.scan_us[tags])

    def _note_onsets(self, rows: Rows, time: NDArray[np.int64]) -> None:
        away = self.level.held(rows) | (self.variance.held[rows] > 0)
        begins = away & (time - self.deviated[rows] > ONSET_MEMORY_US)
        self.onset[rows] = np.where(begins, time, self.onset[rows])
        self.deviated[rows] = np.where(away, time, self.deviated[rows])

    def _stuck_alone(self, assets: Rows) -> NDArray[np.bool_]:
        """A stuck tag while at least as many of its asset live: an instrument, not a stopped source."""
        tags = self._padded[assets]
        stuck = (tags >= 0) & self.stuck.flagged[tags]
        alive = self._fresh(assets) & ~stuck
        return np.asarray(stuck.any(axis=1) & (alive.sum(axis=1) >= stuck.sum(axis=1)))

    def _tag_scores(self, asset: int, rows: Rows) -> tuple[Floats, Floats]:
        """Score of each tag, and its residual in the loudest T² channel."""
        fresh = self._fresh(np.array([asset]))[0]
        padded = self._padded[asset]
        residuals = self.joint.residuals(
            asset,
            np.where(fresh, self.value[padded], 0.0),
            np.where(fresh, self.log_variance[padded], 0.0),
            fresh,
        )
        channel = int(self.joint_ratio[asset].argmax())
        residual = residuals[channel, : len(rows)]
        joint = np.abs(residual) / self.joint.limit[asset, channel]
        own = np.maximum(np.abs(self.level_ratio[rows]), np.abs(self.variance_ratio[rows]))
        own = np.where(own > 1.0, np.maximum(own, self.level.usual.size(rows)), own)
        return np.maximum(own, np.where(self.joint_ratio[asset].max() > 1.0, joint, 0.0)), residual

    def _contribution(self, row: int, score: float, residual: float) -> Contribution:
        z = self.level_z[row] if abs(self.level_z[row]) >= 1.0 else residual or self.variance_ratio[row]
        onset: datetime | None = from_micros(int(self.onset[row])) if self._recent_onset(row) else None
        return Contribution(self.roster.mappings[row].id, score, onset, "low" if z < 0 else "high")

    def _recent_onset(self, row: int) -> bool:
        return bool(self.onset[row] > NEVER and self.time[row] - self.deviated[row] <= ONSET_MEMORY_US)

    def _breaks_alone(self, asset: int, rows: Rows, residuals: Floats) -> bool:
        if len(rows) < 2:
            return False
        size = np.maximum(
            np.abs(self.level_z[rows]), np.abs(residuals) * (self.joint_ratio[asset].max() > 1.0)
        )
        first, second = np.argsort(-size)[:2]
        close = self.joint.explained(asset)[first] >= EXPLAINED
        neighbours = np.delete(np.abs(self.level_z[rows]), first)
        calm = (
            neighbours.max() < NEIGHBOURS_CALM and not (np.delete(self.variance.held[rows], first) > 0).any()
        )
        return bool(close and calm and size[first] > 2.0 * size[second])

    def _loudest(self, asset: int, rows: Rows, stuck: bool) -> str:
        heard = {
            "level": float(np.abs(self.level_ratio[rows]).max()),
            "difference-variance": float(np.abs(self.variance_ratio[rows]).max()),
            "T²": float(self.joint_ratio[asset].max()),
            "stuck": STUCK_SCORE if stuck else 0.0,
        }
        if not self.chosen.built_in_assets[asset]:
            heard = {"stuck": heard["stuck"]}
        heard.update(self.chosen.heard(asset))
        return max(heard, key=lambda name: heard[name])
