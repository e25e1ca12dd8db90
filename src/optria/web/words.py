"""Sentences that the browser's scripts say; translated on the server, handed over in a meta element."""

from typing import Final


def _(message: str) -> str:
    """Marks a message for the catalogue; it is translated when it is shown."""
    return message


SCRIPT_WORDS: Final = {
    "connection.live": _("Live"),
    "connection.connecting": _("Connecting"),
    "connection.reconnecting": _("Reconnecting"),
    "connection.offline": _("Offline"),
    "connection.source-stale": _("Source stale"),
    "connection.signed-out": _("Signed out"),
    "banner.offline": _("Offline since %(time)s. Values on this page keep ageing; they are not frozen."),
    "banner.signed-out": _("You are signed out. Sign in again to go on where you are."),
    "unreachable": _(
        "The server cannot be reached. Try again when the connection is back; nothing is done twice."
    ),
    "sign-out.waiting": _(
        "%(count)s changes have not been sent yet and would be lost. Sign out all the same?"
    ),
    "reconnected": _("Reconnected, %(count)s events while away"),
    "alert.critical": _("New critical incident"),
    "analysis.story": _("What happened"),
    "analysis.causes": _("Root cause"),
    "analysis.actions": _("Recommended actions"),
    "analysis.none": _("The analysis found no incident on this asset."),
    "analysis.open": _("Open incident"),
    "order.created": _("Work order created"),
    "fault.started": _("Fault started in the simulated plant"),
    "fault.mend": _("Mend"),
    "fault.mending": _("Mending"),
    "fault.mended": _("Mended: the fault no longer acts"),
    "backtest.json": _("This is no JSON."),
    "backtest.value": _("Give the value of the limit."),
    "recorder.play": _("Play"),
    "recorder.pause": _("Pause"),
    "time.ago": _("%(age)s ago"),
    "time.now": _("just now"),
    "fault.bearing-wear": _("Bearing wear"),
    "fault.cavitation": _("Cavitation"),
    "fault.imbalance": _("Imbalance"),
    "fault.misalignment": _("Misalignment"),
    "fault.seal-leak": _("Seal leak"),
    "fault.suction-blockage": _("Suction blockage"),
    "fault.discharge-blockage": _("Discharge blockage"),
    "fault.valve-stiction": _("Valve stiction"),
    "fault.valve-leak": _("Valve leak"),
    "fault.fouling": _("Fouling"),
    "fault.sensor-drift": _("Sensor drift"),
    "fault.sensor-stuck": _("Sensor stuck"),
    "fault.motor-electrical": _("Motor electrical fault"),
    "fault.surge": _("Surge"),
    "fault.utility-loss": _("Utility loss"),
    "fault.bad-quality": _("Bad quality"),
    "fault.stale": _("Stale values"),
    "fault.clock-skew": _("Clock skew"),
    "fault.link-loss": _("Link loss"),
    "fault.duplicates": _("Duplicate values"),
    "fault.out-of-order": _("Values out of order"),
    "fault.nan": _("Values that are no numbers"),
}
"""Key in the scripts -> English message."""
WORD_GROUPS: Final = ("analysis", "cause", "fault", "backtest", "recorder")
"""Only pages that name them get these: ``{% block word_groups %}analysis cause{% endblock %}``."""

SEVERITY_WORDS: Final = {
    "critical": _("Critical"),
    "major": _("Major"),
    "minor": _("Minor"),
    "warning": _("Warning"),
    "info": _("Info"),
    "bad": _("Bad quality"),
    "normal": _("Normal"),
}

STATUS_WORDS: Final = {
    "pending_approval": _("Pending approval"),
    "open": _("Open"),
    "in_progress": _("In progress"),
    "completed": _("Completed"),
    "closed": _("Closed"),
    "cancelled": _("Cancelled"),
}

PRIORITY_WORDS: Final = {
    "emergency": _("Emergency"),
    "urgent": _("Urgent"),
    "high": _("High"),
    "medium": _("Medium"),
    "low": _("Low"),
}

CRITICALITY_WORDS: Final = {
    "critical": _("critical"),
    "high": _("high"),
    "medium": _("medium"),
    "low": _("low"),
}

STATE_WORDS: Final = {
    "running": _("running"),
    "stopped": _("stopped"),
    "unknown": _("state unknown"),
    "out_of_service": _("out of service"),
}

ASSET_TYPE_WORDS: Final = {
    "pump": _("Pump"),
    "compressor": _("Compressor"),
    "turbine": _("Turbine"),
    "valve": _("Valve"),
    "heat exchanger": _("Heat exchanger"),
    "separator": _("Separator"),
    "tank": _("Tank"),
    "motor": _("Motor"),
}

ROLE_WORDS: Final = {
    "platform_owner": _("Platform owner"),
    "tenant_admin": _("Tenant admin"),
    "optimization_engineer": _("Optimization engineer"),
    "engineer": _("Engineer"),
    "viewer": _("Viewer"),
}

CONNECTOR_WORDS: Final = {
    "live": _("live"),
    "connected": _("connected"),
    "backfilling": _("fetching history"),
    "connecting": _("connecting"),
    "lost": _("connection lost"),
    "stale": _("stale"),
    "stopped": _("stopped"),
}

TENANT_WORDS: Final = {
    "active": _("Active"),
    "suspended": _("Suspended"),
    "inactive": _("Closed"),
}

DROPPED_WORDS: Final = {
    "unknown_tag": _("of no mapped signal"),
    "too_old": _("older than a week"),
    "in_future": _("ahead of the clock"),
    "duplicate": _("repeated"),
    "late": _("late: stored, not scored"),
    "put_back": _("signals whose clock was ahead"),
    "not_finite": _("no number"),
    "out_of_range": _("outside the range of the instrument"),
    "bad_quality": _("of bad quality"),
    "uncertain": _("of uncertain quality"),
    "stuck": _("of a stuck signal"),
    "history_shed": _("not stored: no room left"),
}
"""Why a sample was not taken as good, by the count of the stream."""

WORDS: Final = {
    "dropped": DROPPED_WORDS,
    "severity": SEVERITY_WORDS,
    "status": STATUS_WORDS,
    "priority": PRIORITY_WORDS,
    "criticality": CRITICALITY_WORDS,
    "state": STATE_WORDS,
    "asset_type": ASSET_TYPE_WORDS,
    "role": ROLE_WORDS,
    "connector": CONNECTOR_WORDS,
    "tenant": TENANT_WORDS,
}


def word(kind: str, key: str) -> str:
    """The English message for a stored word, or the word itself, readable."""
    return WORDS[kind].get(key.lower(), key.replace("_", " ").capitalize())
