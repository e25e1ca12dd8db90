"""The way of a batch through the stream: one synchronous pass, nothing is created per sample."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from time import monotonic, perf_counter

import numpy as np
import structlog
from numpy.typing import NDArray

from optria.core.asset import PlantModel
from optria.core.errors import NotFound
from optria.core.event import Event
from optria.core.incident import Anchor
from optria.core.tag import Quality, SampleBatch, from_micros
from optria.kit import clock
from optria.kit.settings import Settings
from optria.streams import checkpoint
from optria.streams.anchoring import Anchoring, Blame, Reading
from optria.streams.blaming import blame_of
from optria.streams.gate import Gate
from optria.streams.historian import Historian
from optria.streams.late import Late, Lates
from optria.streams.limits import Limits
from optria.streams.live import Live
from optria.streams.quarantine import Refused
from optria.streams.recent import Recent
from optria.streams.reorder import TICK_US, Reorder
from optria.streams.roster import Roster
from optria.streams.scoring import NEVER, REWARM_GAP_US, Scorer

log = structlog.get_logger(__name__)


class Pipeline:
    """The stream of one tenant: reorder, gate, recent, live, history, limits, detectors, anchoring.

    ``ingest`` never waits. Anchors, limit events and ends of episodes go out by the three callbacks, what
    came late by ``on_late``. ``release`` is to be called now and then where connections have a lateness.
    ``warm_up`` is the number of samples before a tag may alarm (None: the usual); a tag that was away for
    longer than ``rewarm_gap_us`` is learned anew.
    Public parts: ``recent``, ``live``, ``history``, ``limits``, ``anchoring``, ``gate``.
    """

    def __init__(
        self,
        plant: PlantModel,
        settings: Settings,
        on_anchor: Callable[[Anchor], None],
        on_event: Callable[[Event], None],
        on_cleared: Callable[[int], None],
        history: Historian | None = None,
        now: Callable[[], datetime] = clock.now,
        warm_up: int | None = None,
        rewarm_gap_us: int = REWARM_GAP_US,
        on_late: Callable[[Late], None] | None = None,
        steady_s: Callable[[], float] | None = None,
    ) -> None:
        if steady_s is None and now is clock.now:
            steady_s = monotonic
        self.plant, self.roster = plant, Roster.of(plant)
        tags = self.roster.ids.tolist()
        self.history = history or Historian(None, plant.tenant_id)
        self.anchoring = Anchoring(on_anchor, on_cleared, self.blame)
        self.gate = Gate(plant, now, self.roster, steady_s)
        lateness = [plant.lateness_s.get(each, 0.0) for each in self.roster.connection_ids]
        self.reorder = Reorder(lateness, steady_s or (lambda: now().timestamp()))
        self._lates = Lates(self.roster, on_late) if on_late else None
        self.recent = Recent(tags, self._ring(settings))
        self.live = Live(tags)
        self.limits = Limits(plant, self.roster, on_event)
        self.scorer = Scorer(plant, self.roster, self.gate.stuck, warm_up, rewarm_gap_us)
        self._learned_until = np.full(len(tags), np.iinfo(np.int64).min, np.int64)
        self.errors: Counter[str] = Counter()
        self._failed: set[int] = set()
        self.taken, self.busy_s = 0, 0.0

    def _ring(self, settings: Settings) -> int:
        fastest_s = float(self.roster.scan_us.min()) / 1e6 if len(self.roster) else 1.0
        return min(int(settings.ring_minutes * 60 / fastest_s) + 1, 36_001)

    @property
    def counts(self) -> Mapping[str, int]:
        """What was refused, shed or went wrong, by reason."""
        detectors = self.scorer.errors + self.scorer.chosen.errors + self.errors
        counts = dict(self.gate.counts) | {f"detector {name}": n for name, n in detectors.items()}
        return counts | ({"history_shed": self.history.shed} if self.history.shed else {})

    @property
    def failing(self) -> int:
        """How many assets had their detectors reset after an error."""
        return len(self._failed)

    def ingest(self, batch: SampleBatch) -> None:
        """Take in a batch as a connector emits it (raw values, any order, any number per tag)."""
        if not len(batch):
            return
        begun = perf_counter()
        let_in = self.gate.hear(batch)
        self._take_in(SampleBatch.concat([let_in, batch]) if len(let_in) else batch)
        self.taken, self.busy_s = self.taken + len(batch), self.busy_s + perf_counter() - begun

    def clock_told(self, integration_id: int, ahead_s: float) -> None:
        """A source's own clock was read: so far it is ahead of ours (negative: behind)."""
        let_in = self.gate.clock_told(integration_id, ahead_s)
        if len(let_in):
            self._take_in(let_in)

    def release(self) -> None:
        """Let samples go on that have waited long enough for earlier ones of a source that fell silent."""
        if self.reorder.waiting:
            self._admit(self.reorder.passed())

    def release_all(self) -> None:
        """Let everything go on that waits: the stream ends."""
        if self.reorder.waiting:
            self._admit(self.reorder.everything())

    def _take_in(self, batch: SampleBatch) -> None:
        self._admit(self._in_order(batch) if self.reorder.is_on else batch)

    def _in_order(self, batch: SampleBatch) -> SampleBatch:
        """What need not wait; what must is shown at once all the same."""
        row = self.roster.find(batch.tag)
        waits = self.gate.in_time(row, self.gate.corrected(row, batch.source_time))
        waits &= self.reorder.waits(self.roster.connection[row])
        if waits.any():
            held = batch.select(waits)
            self.reorder.put(held, self.roster.connection[row[waits]])
            self.live.put(*self.gate.shown(held))
        return SampleBatch.concat([batch.select(~waits), self.reorder.passed()])

    def _admit(self, batch: SampleBatch) -> None:
        admitted = self.gate.admit(batch)
        if len(admitted.put_back):
            self._begin_again(admitted.put_back)
        samples, row = admitted.batch, admitted.row
        self.recent.add(samples, row)
        self.live.put(_marked(samples, admitted.stuck), row)
        self.history.offer(samples)
        if len(admitted.late):
            self._take_late(admitted.late, admitted.late_row)
        if self._lates:
            self._lates.note_delayed(samples, row, self.gate.present.bounds()[0])
        self.limits.check(samples, row, admitted.scored)
        self.score(samples, row, admitted.scored)

    def score(self, samples: SampleBatch, row: NDArray[np.intp], scored: NDArray[np.bool_]) -> None:
        """Run samples by ascending time through the detectors; ``scored`` marks those they may see."""
        chosen = np.flatnonzero(scored)
        chosen = chosen[samples.source_time[chosen] > self._learned_until[row[chosen]]]
        tick = samples.source_time[chosen] // TICK_US if self.reorder.is_on else None
        for part in slices(row[chosen], tick):
            self._detect(samples, chosen[part], row)

    def _take_late(self, late: SampleBatch, row: NDArray[np.intp]) -> None:
        """For history and analysis only; what was there already is a repetition."""
        news = self.recent.insert(late, row)
        again = int((~news).sum())
        if again:
            self.gate.counts["late"] -= again
            self.gate.counts["duplicate"] += again
        self.history.offer(late.select(news))
        if self._lates and news.any():
            self._lates.note(late.select(news), row[news])

    def _begin_again(self, rows: NDArray[np.intp]) -> None:
        """Tags whose times turned out to have been ahead go on at the right time, with what they learned."""
        _, latest = self.gate.present.bounds()
        self.live.forget_times(rows)
        for row in rows.tolist():
            self.recent.forget_after(row, latest)
        self.scorer.put_back(rows, latest)
        self._learned_until[rows] = np.minimum(self._learned_until[rows], latest)

    def remember(self, batch: SampleBatch) -> None:
        """Take back samples that were stored before a stop: shown and compared again, not scored or stored.

        What a source says of that time later is no longer news: a recorded window stays what it was.
        """
        row = self.roster.find(batch.tag)
        order = np.flatnonzero(row >= 0)
        order = order[np.argsort(batch.source_time[order], kind="stable")]
        samples, row = batch.select(order), row[order]
        self.recent.add(samples, row)
        self.live.put(samples, row)
        self.gate.last_time[row] = samples.source_time

    def expected(self, tag: int) -> tuple[float, float] | None:
        """The range that the next value of a tag is expected in; None while it warms up."""
        row = self.roster.row_of(tag)
        return None if row is None else self.scorer.level.band(row)

    def scored_until(self, tag: int) -> datetime | None:
        """The time of the newest sample that the detectors have taken in of a tag; None for none yet."""
        row = self.roster.row_of(tag)
        known = row is not None and int(self.scorer.time[row]) > NEVER
        return from_micros(int(self.scorer.time[row])) if known else None

    def clock_ahead_s(self, integration_id: int) -> float:
        """By how much the times of a connection are corrected."""
        return self.gate.clock_ahead_s(integration_id)

    def refused(self, most: int, tags: frozenset[int]) -> list[Refused]:
        """The newest ``most`` samples of ``tags`` that were refused, of each reason."""
        return self.gate.quarantine.last(most, tags)

    def is_stuck(self, tag: int) -> bool:
        """Whether a tag shows one value for far too long."""
        row = self.roster.row_of(tag)
        return row is not None and self.gate.is_stuck(row)

    def state(self) -> dict[str, object]:
        """Everything learned, as JSON."""
        return checkpoint.save(self.scorer) | {"episodes": self.anchoring.state()}

    def restore(self, state: Mapping[str, object]) -> int:
        """Take back :meth:`state` for what has not changed since; the number of tags that were.

        What does not fit (another mapping, a damaged row) is left out, counted and warms up again.
        """
        restored, damaged = checkpoint.load(self.scorer, state, self._learned_until)
        self.errors["state_refused"] += damaged
        episodes = state.get("episodes")
        if isinstance(episodes, dict):
            try:
                self.anchoring.restore(episodes)
            except (KeyError, TypeError, ValueError):
                self.errors["state_refused"] += 1
        return restored

    def rebaseline(self, asset_id: int) -> None:
        """Forget what was learned of an asset and warm up again: it is not the machine that it was.

        Its episode is closed (and reported as cleared); until it is warm only limits speak.

        Raises:
            NotFound: for an asset without tags.
        """
        if asset_id not in self.roster.asset_ids:
            raise NotFound(f"No tag of asset {asset_id} is in the stream.")
        self.scorer.reset_tags(self.scorer.members[self.roster.asset_ids.index(asset_id)])
        self.anchoring.close(asset_id)

    def end_warm_up(self) -> None:
        """What is away or alarming now was training: no anchor, no end of an episode, from here on normal."""
        self.scorer.end_warm_up()
        self.anchoring.forget()

    def blame(self, asset_id: int) -> Blame:
        """The five tags that speak most for a deviation, the detector that saw it most, and its mode."""
        return blame_of(self.scorer, asset_id)

    def blind_assets(self) -> frozenset[int]:
        """Assets of which no tag says anything that can be believed: all their tags are frozen."""
        flagged = self.gate.stuck.flagged
        return frozenset(
            self.roster.asset_ids[at]
            for at, rows in enumerate(self.scorer.members)
            if len(rows) and flagged[rows].all()
        )

    def _detect(self, samples: SampleBatch, part: NDArray[np.intp], row: NDArray[np.intp]) -> None:
        part = part[np.argsort(row[part])]
        rows, values, times = row[part], samples.value[part], samples.source_time[part]
        try:
            readings = self._score(rows, values, times)
        except Exception:  # noqa: BLE001 - which asset it was shows below
            readings = self._score_apart(rows, values, times)
        for reading in readings:
            self.anchoring.observe(reading)

    def _score(
        self, rows: NDArray[np.intp], values: NDArray[np.float64], times: NDArray[np.int64]
    ) -> list[Reading]:
        new = times > self._learned_until[rows]  # all, unless a first try got half way
        if new.any():
            self.scorer.observe(rows[new], values[new], times[new])
            self._learned_until[rows[new]] = times[new]
        assets = self.scorer.due(rows)
        scores, newest = self.scorer.score_assets(assets), self.scorer.newest(assets)
        return [
            Reading(self.roster.asset_ids[asset], time, score)
            for asset, score, time in zip(assets.tolist(), scores.tolist(), newest.tolist(), strict=True)
        ]

    def _score_apart(
        self, rows: NDArray[np.intp], values: NDArray[np.float64], times: NDArray[np.int64]
    ) -> list[Reading]:
        """After an error, asset by asset: only the one that fails warms up again."""
        readings: list[Reading] = []
        of_row = self.roster.asset_row[rows]
        for asset in np.unique(of_row).tolist():
            mine = of_row == asset
            try:
                readings += self._score(rows[mine], values[mine], times[mine])
            except Exception as error:  # noqa: BLE001 - counted, and logged with its trace
                self._start_anew(asset, error)
        return readings

    def _start_anew(self, asset: int, error: Exception) -> None:
        self.errors["scoring"] += 1
        if asset not in self._failed:
            self._failed.add(asset)
            log.warning("detectors_reset", asset=self.roster.asset_ids[asset], exc_info=error)
        self.scorer.reset_tags(self.scorer.members[asset])


def _marked(samples: SampleBatch, stuck: NDArray[np.bool_]) -> SampleBatch:
    """As it is shown: the value of a frozen instrument is uncertain."""
    if not stuck.any():
        return samples
    quality = np.where(stuck, np.maximum(samples.quality, np.uint8(Quality.UNCERTAIN)), samples.quality)
    return SampleBatch(samples.tag, samples.source_time, samples.value, quality.astype(np.uint8))


def slices(row: NDArray[np.intp], tick: NDArray[np.int64] | None = None) -> list[NDArray[np.intp]]:
    """Cut a time-ordered run of samples into parts in which no tag comes twice, keeping the order.

    With the ``tick`` of each sample no part reaches from one tick into the next.
    """
    if not len(row):
        return []
    order = np.argsort(row, kind="stable")
    previous = np.full(len(row), -1, np.intp)
    same = row[order][1:] == row[order][:-1]
    previous[order[1:][same]] = order[:-1][same]
    if tick is not None:
        began = np.flatnonzero(np.diff(tick)) + 1
        previous[began] = began - 1
    if previous.max() < 0:
        return [np.arange(len(row))]
    cuts, start = [0], 0
    for index, before in enumerate(previous.tolist()):
        if before >= start:
            start = index
            cuts.append(index)
    return [np.arange(a, b) for a, b in zip(cuts, [*cuts[1:], len(row)], strict=True)]
