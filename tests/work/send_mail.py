"""A process that sends what is due: run as a program, with the database and the mail server's port."""

import asyncio
import sys

from optria.db.session import Database
from optria.work.delivery_channels import CHANNELS
from tests.work.hooks import sender_of
from tests.work.letters import channel


async def main(database_url: str, port: int) -> None:
    CHANNELS["email"] = channel(port)
    database = Database(database_url)
    await sender_of(database).drain()
    await database.dispose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
