"""The fields of each kind of connection, for the form that makes one (the shape is version 1's)."""

Field = dict[str, object]
Schema = dict[str, object]


def _field(
    name: str,
    kind: str,
    label: str,
    *,
    default: object = None,
    required: bool = False,
    placeholder: str = "",
    options: tuple[str, ...] = (),
    lowest: float | None = None,
    highest: float | None = None,
) -> Field:
    field: Field = {"name": name, "type": kind, "label": label, "required": required}
    if default is not None:
        field["default"] = default
    if placeholder:
        field["placeholder"] = placeholder
    if options:
        field["options"] = list(options)
    if lowest is not None:
        field |= {"min": lowest, "max": highest}
    return field


def _interval(default: int) -> Field:
    return _field(
        "sampling_interval_ms",
        "number",
        "Sampling interval (ms)",
        default=default,
        lowest=10,
        highest=3_600_000,
    )


_LATENESS = _field("lateness_s", "number", "Wait for late values (s)", default=0, lowest=0, highest=3600)
_USER = (
    _field("username", "text", "User name"),
    _field("password", "password", "Password"),
)

CONNECTOR_SCHEMAS: dict[str, Schema] = {
    "opcua": {
        "type": "opcua",
        "name": "OPC UA",
        "description": "An OPC UA server: subscriptions with status and source time, history for backfill.",
        "fields": [
            _field("endpoint_url", "text", "Address", required=True, placeholder="opc.tcp://server:4840"),
            _field("auth_type", "select", "Sign-in", default="anonymous", options=("anonymous", "username")),
            *_USER,
            _field(
                "security_mode",
                "select",
                "Security mode",
                default="None",
                options=("None", "Sign", "SignAndEncrypt"),
            ),
            _field(
                "security_policy",
                "select",
                "Security policy",
                default="Basic256Sha256",
                options=("None", "Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"),
            ),
            _field(
                "server_certificate_sha256",
                "text",
                "Server certificate (SHA-256)",
                placeholder="Test the connection to see it, then compare it at the server",
            ),
            _field("trust_any_server", "boolean", "Trust any server certificate", default=False),
            _field("namespace_filter", "text", "Namespace", placeholder="ns=2"),
            _interval(1000),
            _LATENESS,
            _field("outage_s", "number", "Outage without loss (s)", default=60, lowest=5, highest=3_600),
            _field(
                "endpoint_urls",
                "text",
                "Further servers of a redundant set",
                placeholder="opc.tcp://second:4840, opc.tcp://third:4840",
            ),
            _field("max_tags_per_scan", "number", "Tags per request", default=500, lowest=1, highest=10_000),
        ],
    },
    "pi": {
        "type": "pi",
        "name": "PI System",
        "description": "A PI Data Archive through PI Web API: live values by channel, history by REST.",
        "fields": [
            _field("endpoint_url", "text", "Address", required=True, placeholder="https://server/piwebapi"),
            _field("data_server", "text", "Data server", placeholder="the first one"),
            _field("auth_type", "select", "Sign-in", default="basic", options=("basic", "anonymous")),
            *_USER,
            _field("verify_tls", "boolean", "Verify the TLS certificate", default=True),
            _field(
                "request_timeout_s",
                "number",
                "Longest answer time (s)",
                default=8,
                lowest=1,
                highest=60,
            ),
            _field("use_channel", "boolean", "Use channels where the server opens them", default=True),
            _interval(1000),
            _LATENESS,
        ],
    },
    "sql": {
        "type": "sql",
        "name": "SQL database",
        "description": "A table of latest values in a database of the plant, read at an interval.",
        "fields": [
            _field(
                "endpoint_url",
                "text",
                "Address",
                required=True,
                placeholder="postgresql+asyncpg://host/database",
            ),
            _field("auth_type", "select", "Sign-in", default="basic", options=("basic", "anonymous")),
            *_USER,
            _field(
                "query",
                "textarea",
                "Query of latest values (tag, value, quality, time)",
                default="SELECT tag, value, quality, source_time FROM plant_readings",
            ),
            _field(
                "history_query",
                "textarea",
                "Query of history",
                placeholder="SELECT … WHERE source_time BETWEEN :start AND :end",
            ),
            _field("time_zone", "text", "Time zone of times without one", default="UTC"),
            _interval(1000),
            _LATENESS,
        ],
    },
    "demo": {
        "type": "demo",
        "name": "Simulated plant",
        "description": "The simulated plant that runs beside this installation; it needs no address.",
        "fields": [_interval(500)],
    },
}
