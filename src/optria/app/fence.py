"""Between the streams of this process and the database: what another server runs is not stored from here."""

from optria.core.errors import Fenced
from optria.db.leases import Lease, confirm
from optria.db.session import Tx


class Fence:
    """``lease`` is the turn that is held; ``is_on_duty`` whether the streams run here (without one, too,
    while the database is away)."""

    def __init__(self) -> None:
        self.lease: Lease | None = None
        self.is_on_duty = True

    async def hold(self, tx: Tx) -> None:
        """Hold the lease still while something of these streams is committed.

        Raises:
            Fenced: another server runs them; the same comes from there.
        """
        if self.lease is not None:
            await confirm(tx, self.lease)
        elif not self.is_on_duty:
            raise Fenced("Another server runs the streams; what was seen here is seen there.")

    async def is_ours(self, tx: Tx) -> bool:
        """Whether no other server stores the same samples; what it may have stored is looked up else."""
        try:
            await self.hold(tx)
        except Fenced:
            return False
        return True

    async def must_be_ours(self, tx: Tx) -> bool:
        """From a log the other server reads the same samples: what is stored here would be there twice.

        Raises:
            Fenced: another server runs these streams.
        """
        await self.hold(tx)
        return True
