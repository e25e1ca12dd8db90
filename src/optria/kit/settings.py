"""What an installation may set: environment variables that begin with ``OPTRIA_``."""

from functools import cache
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from optria.core.errors import ConfigurationError


class Settings(BaseSettings):
    """Read once at start. Every field is the variable ``OPTRIA_<FIELD>``."""

    model_config = SettingsConfigDict(env_prefix="OPTRIA_", frozen=True)

    home: Path = user_data_path("optria")
    """Folder of the embedded database, credentials and the simulator's addresses."""
    database_url: SecretStr | None = None
    """Owner's URL of an existing PostgreSQL (>= 15); None runs the embedded one."""
    app_database_url: SecretStr | None = None
    """URL of the role that serves; derived from ``database_url`` when None."""
    database_timeout_s: float = Field(10.0, gt=0)
    """Seconds that a statement may take before it is given up; half of it for a new connection, and for a
    free one of the pool."""
    database_folder: Path | None = None
    """Folder on the disk of a PostgreSQL on this machine: history pauses when that runs full. The embedded
    one's is known."""
    database_limit_gb: float | None = Field(None, gt=0)
    """How large a hosted database may become (its quota): history pauses at 90 % of it."""
    spool_gb: float = Field(2.0, ge=0)
    """Most that waits on disk in ``home`` while the database is away, over all tenants."""
    log_level: str = "INFO"
    log_json: bool = False
    host: str = "127.0.0.1"
    port: int = 8000
    demo: bool = False
    """Demo accounts and fault injection; only ever on a loopback address."""
    secure_cookies: bool | None = None
    """None: Secure exactly when the request came over https."""
    session_hours: float = 12.0
    session_idle_minutes: float = 30.0
    backfill_minutes: float = 20.0
    """History asked of a connector at start, to warm up detectors and fill trends."""
    ring_minutes: float = 60.0
    """Samples kept in memory per tag."""
    secret_keys: SecretStr | None = None
    """Keys of the stored secrets, ``id:base64,id:base64``: the first encrypts, all decrypt.
    None: a key file in ``home``, made at first use."""
    connector_hosts: str = ""
    """Hosts that connections may call: names, ``*.domain`` patterns, addresses and CIDR, comma-separated.
    Empty: all but those that are always refused."""
    webhook_hosts: str = ""
    """Hosts that webhooks may call, in the same words. Empty: all but those that are always refused."""
    connector_files: Path | None = None
    """Folder whose SQLite files connections may read, besides ``home``."""
    public_url: str | None = None
    """Where people open the product (``https://plant.example``), for the links in e-mails."""
    smtp_host: str | None = None
    """Mail server; None: no e-mail is sent."""
    smtp_port: int = 587
    smtp_tls: Literal["none", "starttls", "tls"] = "starttls"
    """``starttls`` is demanded, not asked for: a server without it gets no mail."""
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_from: str = ""
    """Address that e-mails come from, also as ``Name <address>``."""
    smtp_ca_file: Path | None = None
    """Certificates (PEM) that vouch for the mail server; None: those of the operating system."""
    role: Literal["all", "web", "ingest", "stream"] = "all"
    """What this server does besides its pages; all but ``all`` and ``web`` need ``nats_url``."""
    nats_url: str | None = None
    """NATS server (JetStream) between the servers of a large installation; None: none is needed."""
    log_partitions: int = 12
    """Parts that the work is divided into over NATS; the same on every server, for ever."""
    log_gb: float = 10.0
    """Most that the log keeps."""
    nats_edges: str = ""
    """JetStream domains of edge sites that the log of the centre draws from, comma-separated."""
    nats_domain: str = ""
    """JetStream domain of this server's NATS server, at an edge site."""
    connections: str = ""
    """Ids of the connections that this server takes in, comma-separated; empty: all."""
    history_days: int = 400
    """Days that samples are kept; of older ones only the recordings of incidents. 0: all for ever."""
    delivery_days: int = 90
    """Days that e-mails and webhook calls are listed after they were sent or given up."""
    backup_passphrase: SecretStr | None = None
    """Of the keys in a backup (``optria backup --with-keys``); None: asked for."""
    metrics_token: SecretStr | None = None
    """What a Prometheus server sends as its Bearer token to read ``/metrics``; None: signed-in platform
    owners only."""
    simulator_url: str | None = None
    """Control address of a simulated plant, for the demo's fault panel."""

    @property
    def home_folder(self) -> Path:
        """``home``, made if missing.

        Raises:
            ConfigurationError: when it cannot be made or written.
        """
        return _usable(self.home)


@cache
def _usable(home: Path) -> Path:
    """Kept by path, not by settings: a copy of them may name another folder."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe = home / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ConfigurationError(
            f"The data folder {home} cannot be written ({error.strerror}). "
            "Set OPTRIA_HOME to a folder you own."
        ) from error
    return home
