"""OPC UA data values as columns, and raw history."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from asyncua import ua
from asyncua.client.ua_client import UaClient
from asyncua.ua import uaerrors

from optria.connectors.base import batch_of
from optria.core.tag import EPOCH, SampleBatch, to_micros
from optria.kit import clock

TagNode = tuple[int, ua.NodeId]

NODES_PER_HISTORY_READ = 2
VALUES_PER_NODE = 1000
"""Two thousand values take asyncua about 30 ms to decode, during which nothing else runs."""

NO_HISTORY = "no history"
"""What a node without history is counted under."""
HISTORY_REFUSALS = (
    uaerrors.BadHistoryOperationUnsupported,
    uaerrors.BadHistoryOperationInvalid,
    uaerrors.BadServiceUnsupported,
    uaerrors.BadNotSupported,
    uaerrors.BadNotImplemented,
    uaerrors.BadNodeIdUnknown,
    uaerrors.BadNodeIdInvalid,
    uaerrors.BadNotReadable,
    uaerrors.BadUserAccessDenied,
    uaerrors.BadTooManyOperations,
    uaerrors.BadInternalError,
    uaerrors.BadUnexpectedError,
)
"""Answers that say something of the nodes asked for or of history, not of the connection."""

_MICROSECOND = timedelta(microseconds=1)
_NAN = float("nan")


def columns(values: Iterable[tuple[int, ua.DataValue]], rejected: Counter[str]) -> SampleBatch:
    """Tag ids and their data values as a batch; what is no number is counted in ``rejected``.

    The severity bits of the status code become the quality. A value that is missing is NaN and Bad. The
    source timestamp is kept; a server that sends none gives its own, or else the present.
    """
    tags: list[int] = []
    times: list[int] = []
    numbers: list[float] = []
    qualities: list[int] = []
    for tag, data in values:
        number = data.Value.Value if data.Value is not None else None
        quality = min(int(data.StatusCode.value) >> 30, 2) if data.StatusCode is not None else 0
        if number is None:
            number, quality = _NAN, 2
        elif not isinstance(number, (int, float)):
            rejected["not a number"] += 1
            continue
        time = data.SourceTimestamp or data.ServerTimestamp or clock.now()
        tags.append(tag)
        times.append((time - EPOCH) // _MICROSECOND)
        numbers.append(number)
        qualities.append(quality)
    return batch_of(tags, times, numbers, qualities)


async def read_raw(
    server: UaClient,
    nodes: Sequence[TagNode],
    start: datetime,
    end: datetime,
    rejected: Counter[str],
    without: set[int] | None = None,
) -> AsyncIterator[tuple[SampleBatch, float]]:
    """HistoryRead of raw values in [start, end], with the share of nodes done (0 to 1) after each answer.

    A node without history is counted and left out; its tag is put into ``without``. Some servers refuse
    a whole request for one such node: then its nodes are asked for one by one.
    """
    details = ua.ReadRawModifiedDetails(
        IsReadModified=False,
        StartTime=start,
        EndTime=end,
        NumValuesPerNode=VALUES_PER_NODE,
        ReturnBounds=False,
    )
    waiting: list[tuple[TagNode, bytes | None]] = [(node, None) for node in nodes]
    while waiting:
        asked, waiting = waiting[:NODES_PER_HISTORY_READ], waiting[NODES_PER_HISTORY_READ:]
        results = await _results(server, details, asked)
        batches = []
        for ((tag, node), point), result in zip(asked, results, strict=True):
            if result.StatusCode.is_bad():
                rejected[NO_HISTORY] += 1
                if without is not None:
                    without.add(tag)
                continue
            batches.append(columns(((tag, value) for value in _values(result)), rejected))
            if result.ContinuationPoint and result.ContinuationPoint != point:
                waiting.insert(0, ((tag, node), result.ContinuationPoint))
        batch = SampleBatch.concat(batches)
        inside = (batch.source_time >= to_micros(start)) & (batch.source_time <= to_micros(end))
        yield batch.select(inside), 1 - len(waiting) / max(len(nodes), 1)


async def _results(
    server: UaClient, details: ua.ReadRawModifiedDetails, asked: Sequence[tuple[TagNode, bytes | None]]
) -> list[ua.HistoryReadResult]:
    """One result for each; that of a node whose history is refused has the refusal as its status."""
    try:
        return await server.history_read(_request(details, asked))
    except HISTORY_REFUSALS as refusal:
        if len(asked) == 1:
            return [ua.HistoryReadResult(StatusCode=ua.StatusCode(ua.UInt32(refusal.code)))]
    return [result for each in asked for result in await _results(server, details, [each])]


def _request(
    details: ua.ReadRawModifiedDetails, asked: Sequence[tuple[TagNode, bytes | None]]
) -> ua.HistoryReadParameters:
    return ua.HistoryReadParameters(
        HistoryReadDetails=details,
        TimestampsToReturn=ua.TimestampsToReturn.Both,
        ReleaseContinuationPoints=False,
        NodesToRead=[
            ua.HistoryReadValueId(NodeId=node, ContinuationPoint=point) for (_tag, node), point in asked
        ],
    )


def _values(result: ua.HistoryReadResult) -> list[ua.DataValue]:
    history = result.HistoryData
    return history.DataValues or [] if isinstance(history, ua.HistoryData) else []


def clock_difference_s(theirs: datetime, ours: datetime, took_s: float) -> float:
    """Their clock minus ours, half of the answer's way taken off."""
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    return round((theirs - ours).total_seconds() + took_s / 2, 2)
