"""Every error the product raises on purpose.

    OptriaError
    ├── ConfigurationError      the installation is set up wrongly; the message says what to change
    ├── DatabaseUnavailable     the database cannot be reached or refuses us
    ├── LogUnavailable          the log of samples (NATS) cannot be reached or refuses us
    ├── ConnectorUnavailable    a plant source cannot be reached or refuses us
    │   └── ConnectorRefused    a certificate or a sign-in is refused: somebody has to do something first
    ├── SimulatorError          the simulated plant cannot do what was asked
    ├── Invalid                 the request is understood and cannot be met (HTTP 422)
    ├── NotFound                no such thing, or not in this tenant (HTTP 404)
    ├── NotAllowed              the role may not do this (HTTP 403)
    ├── Unauthenticated         nobody is signed in (HTTP 401)
    ├── Busy                    too much is asked for at once (HTTP 429)
    ├── Fenced                  another process has taken over what this one did
    └── Conflict                the state has moved on (HTTP 409)
        └── Stale               a change was based on an older version; says which is the current one

The message of each is a sentence for a person: what happened, and what to do.
"""


class OptriaError(Exception):
    """Base of every deliberate error; ``str(error)`` is a sentence for a person."""


class ConfigurationError(OptriaError):
    """The installation is set up wrongly."""


class DatabaseUnavailable(OptriaError):
    """The database cannot be reached or refuses us."""


class LogUnavailable(OptriaError):
    """The log of samples cannot be reached or refuses us."""


class ConnectorUnavailable(OptriaError):
    """A plant source cannot be reached, refuses us, or stopped answering.

    ``retry_after_s`` is when to try again; None leaves it to the growing delays of who tries.
    """

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ConnectorRefused(ConnectorUnavailable):
    """A certificate or a sign-in is refused, by the source or by us.

    Trying again soon changes nothing, and may lock an account. ``key`` names the fact that was refused, so
    that it is told once.
    """

    SLOW_RETRY_S = 300.0

    def __init__(self, message: str, key: str) -> None:
        super().__init__(message, self.SLOW_RETRY_S)
        self.key = key


class SimulatorError(OptriaError):
    """The simulated plant cannot do what was asked."""


class Invalid(OptriaError):
    """The request is understood and cannot be met."""


class NotFound(OptriaError):
    """No such thing, or not in this tenant."""


class NotAllowed(OptriaError):
    """The role may not do this."""


class Unauthenticated(OptriaError):
    """Nobody is signed in."""


class Busy(OptriaError):
    """Too much is asked for at once; later it can be done."""


class Fenced(OptriaError):
    """Another process has taken over what this one did; nothing of it may be stored any more."""


class Conflict(OptriaError):
    """The state has moved on since it was read."""


class Stale(Conflict):
    """A change was based on a version that is no longer the current one, which is ``version``."""

    def __init__(self, message: str, version: int) -> None:
        super().__init__(message)
        self.version = version
