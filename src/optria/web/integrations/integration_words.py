"""What the pages call the settings, states and kinds of connections; translated when they are shown."""

from typing import Final

from optria.web.words import _

LABELS: Final = {
    "endpoint_url": _("Address"),
    "auth_type": _("Sign-in"),
    "username": _("User name"),
    "password": _("Password"),
    "security_mode": _("Security mode"),
    "security_policy": _("Security policy"),
    "server_certificate_sha256": _("Server certificate (SHA-256)"),
    "trust_any_server": _("Trust any server certificate"),
    "namespace_filter": _("Namespace"),
    "sampling_interval_ms": _("Sampling interval (ms)"),
    "max_tags_per_scan": _("Tags per request"),
    "outage_s": _("Outage without loss (s)"),
    "lateness_s": _("Wait for late values (s)"),
    "endpoint_urls": _("Further servers of a redundant set"),
    "data_server": _("Data server"),
    "verify_tls": _("Verify the TLS certificate"),
    "request_timeout_s": _("Longest answer time (s)"),
    "use_channel": _("Use channels where the server opens them"),
    "query": _("Query of latest values"),
    "history_query": _("Query of history"),
    "time_zone": _("Time zone of times without one"),
}
HINTS: Final = {
    "server_certificate_sha256": _(
        "Test the connection to see it, then compare it with the one at the server."
    ),
    "trust_any_server": _("Only where nobody else can be at this address: whoever is, is believed."),
    "namespace_filter": _("Looks for tag names in this namespace only, such as ns=2."),
    "outage_s": _(
        "So long the server keeps every value while the link is cut; it says below if it keeps less."
    ),
    "endpoint_urls": _(
        "Addresses with commas between them. The server with the highest service level is read."
    ),
    "data_server": _("Empty means the first one of the server."),
    "verify_tls": _("Switched off, whoever answers at the address is given the password."),
    "query": _("Its columns are tag, value, quality (or none) and time."),
    "history_query": _(
        "Fills gaps after an outage; it has :start and :end in it. Without one there are gaps."
    ),
    "time_zone": _("A name such as Asia/Riyadh."),
    "sampling_interval_ms": _("How often the source is asked for a new value."),
    "lateness_s": _(
        "For sources that deliver out of order. So much later detection sees values; 0 means at once."
    ),
}
OPTIONS: Final = {
    "anonymous": _("Without user name"),
    "username": _("User name and password"),
    "basic": _("User name and password"),
    "None": _("None"),
    "Sign": _("Signed"),
    "SignAndEncrypt": _("Signed and encrypted"),
}
KINDS: Final = {
    "opcua": (
        _("OPC UA"),
        _("An OPC UA server: values as they change, with their quality and time; history."),
    ),
    "pi": (_("PI System"), _("A PI Data Archive through PI Web API: values as they change, and history.")),
    "sql": (
        _("SQL database"),
        _("A table of latest values in a database of the plant, read at an interval."),
    ),
    "demo": (_("Simulated plant"), _("The simulated plant beside this installation; it needs no address.")),
}
STATES: Final = {
    "connected": _("Live"),
    "stale": _("Source stale"),
    "backfilling": _("Fetching history"),
    "connecting": _("Connecting"),
    "lost": _("Connection lost"),
    "off": _("Switched off"),
    "no_signals": _("No signals mapped"),
    "starting": _("Starting"),
    "no_connector": _("Kind not supported"),
}
ADVICE: Final = {
    "stale": _(
        "It is connected, but no mapped signal has changed its time lately. Look at the source itself."
    ),
    "lost": _("It is tried again by itself, at growing intervals. Test it to see how far it comes."),
    "off": _("Nothing is read from it. Its signals keep their last values and go stale."),
    "no_signals": _("Browse the source and map its tags: it runs as soon as one is mapped."),
    "starting": _("It starts within a moment of being switched on or mapped."),
    "no_connector": _(
        "An earlier version stored it. This one has no connector of the kind: add another connection."
    ),
}
ACTIONS: Final = {
    "test": _("Tested"),
    "demo_stream_started": _("Stream started"),
    "demo_stream_stopped": _("Stream stopped"),
}
REJECTED: Final = {
    "bad_time": _("no usable time"),
    "not a number": _("not a number"),
    "no time": _("no usable time"),
    "no quality": _("no usable quality"),
    "not finite": _("no finite number"),
    "no value": _("signals without a value"),
    "malformed": _("not of the shape of a value"),
    "malformed answer": _("answers that could not be read"),
    "unknown WebId": _("of no mapped signal"),
    "columns": _("not the columns that are needed"),
    "malformed message": _("messages that could not be read"),
    "channel refused, polling": _("channels refused: polled instead"),
    "no history": _("tags without history"),
}


def kind_word(kind: str) -> str:
    """What a kind is called; one that is not known by its own name."""
    return KINDS[kind][0] if kind in KINDS else kind.upper()
