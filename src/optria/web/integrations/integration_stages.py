"""A connection tried stage by stage: is its host reached, does it let us in, what is read, its clock."""

from collections.abc import Mapping, Sequence
from typing import Final

import anyio

from optria.connectors import Connector
from optria.connectors.allowed_hosts import Reach
from optria.connectors.base import Probe
from optria.core.errors import ConnectorUnavailable, OptriaError
from optria.core.tag import SampleBatch, SignalMapping
from optria.kit import clock
from optria.web.integrations.integration_browsing import some_tags
from optria.web.integrations.integration_config import target
from optria.web.shapes import Json

PROBE_TIMEOUT_S: Final = 15.0
REACH_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 15.0
TAGS_TRIED: Final = 20
PORTS: Final = {"opc.tcp": 4840, "https": 443, "http": 80, "postgresql": 5432, "mysql": 3306}

DONE, FAILED, NOT_TRIED, NOT_TOLD = "done", "failed", "not_tried", "not_told"


async def tried(
    connector: Connector, config: Mapping[str, object], reach: Reach, tags: Sequence[str] = ()
) -> tuple[Probe, list[Json]]:
    """How a connection does, and its stages: ``reached``, ``signed_in``, ``read``, ``clock``.

    The state of a stage is ``done``, ``failed``, ``not_tried`` (one before it failed) or ``not_told`` (the
    source has no such thing). ``tags`` are read; without them the first few that the source offers.
    """
    reached = await _reached(config, reach)
    if reached["state"] == FAILED:
        return Probe(False, str(reached["said"])), [reached, *_untried("signed_in", "read", "clock")]
    probe = await probed(connector)
    signed_in: Json = {"stage": "signed_in", "state": DONE if probe.ok else FAILED}
    if not probe.ok:
        return probe, [reached, {**signed_in, "said": probe.message}, *_untried("read", "clock")]
    return probe, [reached, signed_in, *await _read(connector, probe, tags)]


def _untried(*stages: str) -> list[Json]:
    return [{"stage": stage, "state": NOT_TRIED} for stage in stages]


async def probed(connector: Connector) -> Probe:
    """The connector's own trial; never raises for the source's fault."""
    try:
        with anyio.fail_after(PROBE_TIMEOUT_S):
            return await connector.probe()
    except TimeoutError:
        return Probe(False, f"The source did not answer within {PROBE_TIMEOUT_S:.0f} s.")
    except OptriaError as error:
        return Probe(False, str(error))


async def _reached(config: Mapping[str, object], reach: Reach) -> Json:
    """Whether something listens at the address; a file or a simulated plant has none to ask."""
    scheme, host, port = target(config)
    port = port or PORTS.get(scheme.partition("+")[0])
    if not host or port is None:
        return {"stage": "reached", "state": NOT_TOLD}
    where = f"{host}:{port}"
    try:
        with anyio.fail_after(REACH_TIMEOUT_S):
            await _knock(await reach.check(host, port), port)
    except ConnectorUnavailable as error:
        return {"stage": "reached", "state": FAILED, "where": where, "said": str(error)}
    except (OSError, TimeoutError):
        said = f"Nothing answers at {where}. Check host and port, the network and the firewall."
        return {"stage": "reached", "state": FAILED, "where": where, "said": said}
    return {"stage": "reached", "state": DONE, "where": where}


async def _knock(addresses: Sequence[str], port: int) -> None:
    """Open and close a connection to the first address that takes one. Raises OSError."""
    refused: OSError | None = None
    for address in addresses:
        try:
            await (await anyio.connect_tcp(address, port)).aclose()
        except OSError as error:
            refused = error
        else:
            return
    raise refused or OSError("no address")


async def _read(connector: Connector, probe: Probe, tags: Sequence[str]) -> list[Json]:
    try:
        with anyio.fail_after(READ_TIMEOUT_S):
            wanted = list(tags[:TAGS_TRIED]) or await some_tags(connector, TAGS_TRIED)
            batch = await connector.read_latest(
                [SignalMapping(n, 0, 0, tag, "", "") for n, tag in enumerate(wanted)]
            )
    except TimeoutError:
        said = f"No values came within {READ_TIMEOUT_S:.0f} s."
        return [{"stage": "read", "state": FAILED, "said": said}, _clock(probe, None)]
    except OptriaError as error:
        return [{"stage": "read", "state": FAILED, "said": str(error)}, _clock(probe, None)]
    state = DONE if len(batch) else FAILED
    read: Json = {"stage": "read", "state": state, "values": len(batch), "asked": len(wanted)}
    return [read, _clock(probe, batch)]


def _clock(probe: Probe, batch: SampleBatch | None) -> Json:
    """The source's clock minus ours where it tells it; the age of the newest value read otherwise."""
    answer: Json = {"stage": "clock", "state": NOT_TOLD}
    difference_s = probe.details.get("clock_difference_s")
    if isinstance(difference_s, (int, float)):
        answer |= {"state": DONE, "difference_s": difference_s}
    if batch is not None and len(batch):
        newest_s = int(batch.source_time.max()) / 1e6
        answer["newest_age_s"] = round(clock.now().timestamp() - newest_s, 1)
    return answer
