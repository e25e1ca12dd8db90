"""A batch as bytes: a head, then its columns, little-endian, as they are in memory."""

import struct
from hashlib import blake2b
from typing import Final

import numpy as np

from optria.core.errors import Invalid
from optria.core.tag import SampleBatch

HEAD: Final = struct.Struct("<4sHiI")
MARK: Final = b"OIQB"
VERSION: Final = 1
ROW_BYTES: Final = 4 + 8 + 8 + 1


def to_bytes(tenant_id: int, batch: SampleBatch) -> bytes:
    """A batch of one tenant."""
    columns = (batch.tag.astype("<i4"), batch.source_time.astype("<i8"), batch.value.astype("<f8"))
    head = HEAD.pack(MARK, VERSION, tenant_id, len(batch))
    return b"".join((head, *(column.tobytes() for column in columns), batch.quality.tobytes()))


def from_bytes(data: bytes) -> tuple[int, SampleBatch]:
    """The tenant and its batch.

    Raises:
        Invalid: it is no batch, or of a later version.
    """
    if len(data) < HEAD.size:
        raise Invalid("A message of the log is no batch of samples: it is left out.")
    mark, version, tenant_id, rows = HEAD.unpack_from(data)
    if mark != MARK or version != VERSION or len(data) != HEAD.size + rows * ROW_BYTES:
        raise Invalid("A message of the log is no batch of samples of this version: it is left out.")
    at = HEAD.size
    tag = np.frombuffer(data, "<i4", rows, at)
    time = np.frombuffer(data, "<i8", rows, at + 4 * rows)
    value = np.frombuffer(data, "<f8", rows, at + 12 * rows)
    quality = np.frombuffer(data, np.uint8, rows, at + 20 * rows)
    return tenant_id, SampleBatch(tag.astype(np.int32), time.astype(np.int64), value.copy(), quality.copy())


def message_id(data: bytes) -> str:
    """The same for the same bytes: what is sent again after an outage is known to the log."""
    return blake2b(data, digest_size=16).hexdigest()
