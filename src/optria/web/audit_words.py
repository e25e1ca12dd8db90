"""What a deed of the audit log is called, and the thing it was done to."""

from collections.abc import Mapping
from typing import Final

from optria.web.words import _

ACTION_WORDS: Final[Mapping[str, str]] = {
    "approval_set": _("How proposals are approved was set"),
    "asset_added": _("Asset added"),
    "asset_changed": _("Asset changed"),
    "asset_removed": _("Asset taken out of use"),
    "asset_rebaselined": _("Asset learned anew"),
    "carbon_factor_added": _("Carbon factor added"),
    "carbon_factor_retired": _("Carbon factor taken out of force"),
    "clock_drift_set": _("Clock correction set"),
    "clock_drift_removed": _("Clock correction removed"),
    "component_added": _("Part added to an asset"),
    "component_changed": _("Part changed"),
    "component_removed": _("Part removed"),
    "connection_tried": _("Connection tried"),
    "cost_model_added": _("Cost model added"),
    "cost_model_changed": _("Cost model changed"),
    "cost_reference_approved": _("Cost reference approved"),
    "cost_reference_retired": _("Cost reference taken out of force"),
    "detector_chosen": _("Detector chosen"),
    "detector_removed": _("Detector setting removed"),
    "downtime_reference_set": _("Downtime reference set"),
    "downtime_reference_removed": _("Downtime reference removed"),
    "failure_mode_added": _("Failure mode added"),
    "failure_mode_changed": _("Failure mode changed"),
    "failure_mode_removed": _("Failure mode removed"),
    "integration_created": _("Connection added"),
    "integration_updated": _("Connection changed"),
    "layout_added": _("Drawing added"),
    "layout_changed": _("Drawing changed"),
    "layout_deleted": _("Drawing deleted"),
    "link_added": _("Line between assets added"),
    "link_removed": _("Line between assets removed"),
    "mapping_created": _("Signal mapped"),
    "mappings_created": _("Signals mapped"),
    "mapping_updated": _("Signal mapping changed"),
    "mapping_deleted": _("Signal mapping deleted"),
    "node_added": _("Symbol added to a drawing"),
    "node_changed": _("Symbol of a drawing changed"),
    "node_deleted": _("Symbol deleted from a drawing"),
    "notification_channels_changed": _("Channels of notifications changed"),
    "notification_preferences_changed": _("Notification preferences changed"),
    "on_call_override_created": _("Somebody put on call"),
    "on_call_override_removed": _("Stand-in taken off call"),
    "on_call_rotation_created": _("Rotation made"),
    "on_call_rotation_changed": _("Rotation changed"),
    "on_call_rotation_removed": _("Rotation removed"),
    "password_changed": _("Own password changed"),
    "password_change_failed": _("Wrong password at its change"),
    "password_reset": _("New password given"),
    "platform_access": _("Platform owner looked in"),
    "rule_added": _("Causal rule added"),
    "rule_changed": _("Causal rule changed"),
    "session_ended": _("Session ended"),
    "sign_in": _("Signed in"),
    "sign_in_failed": _("Sign-in failed"),
    "sign_out": _("Signed out"),
    "site_added": _("Site added"),
    "site_changed": _("Site changed"),
    "tenant_added": _("Tenant added"),
    "tenant_changed": _("Tenant changed"),
    "threshold_approved": _("Limit approved"),
    "threshold_retired": _("Limit taken out of force"),
    "user_added": _("Person added"),
    "user_changed": _("Person changed"),
    "user_deactivated": _("Person deactivated"),
    "webhook_created": _("Webhook added"),
    "webhook_changed": _("Webhook changed"),
    "webhook_deleted": _("Webhook removed"),
    "webhook_secret_renewed": _("Webhook given a new secret"),
    "window_set": _("Window set"),
    "window_removed": _("Window removed"),
    "work_order_policy_changed": _("Work-order policy changed"),
}
THING_WORDS: Final[Mapping[str, str]] = {
    "asset": _("Asset"),
    "asset_link": _("Line between assets"),
    "carbon_factor": _("Carbon factor"),
    "clock_drift": _("Clock correction"),
    "component": _("Part"),
    "cost_model": _("Cost model"),
    "cost_reference": _("Cost reference"),
    "detector_setting": _("Detector setting"),
    "downtime_reference": _("Downtime reference"),
    "failure_mode": _("Failure mode"),
    "incident": _("Incident"),
    "incident_window": _("Window"),
    "integration": _("Connection"),
    "machine_spec": _("Machine spec"),
    "mapping": _("Signal mapping"),
    "on_call_rotation": _("Rotation"),
    "on_call_shift": _("Stand-in"),
    "rca_rule": _("Causal rule"),
    "site": _("Site"),
    "tenant": _("Tenant"),
    "threshold": _("Limit"),
    "twin_layout": _("Drawing"),
    "twin_node": _("Symbol"),
    "user": _("Person"),
    "webhook": _("Webhook"),
    "work_order": _("Work order"),
    "work_order_policy": _("Work-order policy"),
}


def action_word(action: str) -> str:
    """The English message for an action; one that is not known, readable."""
    return ACTION_WORDS.get(action, _readable(action))


def thing_word(kind: str) -> str:
    """The English message for a kind of thing; one that is not known, readable."""
    return THING_WORDS.get(kind, _readable(kind))


def _readable(code: str) -> str:
    return code.replace("_", " ").replace(".", ": ").capitalize()
