"""The daily partitions of the history."""

from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession


async def ensure_partitions(connection: AsyncConnection | AsyncSession, first_day: date, days: int) -> int:
    """Make the partitions of ``days`` days from ``first_day`` (UTC) on; how many were missing.

    The serving role may call this: the function runs with the rights of the owner. A day without a partition
    takes no history, so this is called ahead of time, and for every day that a backfill touches.
    """
    found = await connection.scalar(
        text("SELECT optria_ensure_history_partitions(:first_day, :days)"),
        {"first_day": first_day, "days": days},
    )
    return int(found or 0)
