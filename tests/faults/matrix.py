"""The rows of the fault matrix, and which tests prove each."""

from dataclasses import dataclass
from typing import Final

ROWS: Final = "OPTRIA_FAULT_ROWS"
"""The variable with the numbers of the rows that are asked for, with commas between them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, what must happen, and the tests (beginnings of their ids) that must all pass for it."""

    number: int
    name: str
    must: str
    proofs: tuple[str, ...]


def _fault(number: int, name: str, must: str, *proofs: str) -> Fault:
    return Fault(number, name, must, tuple(f"tests/{proof}" for proof in proofs))


FAULTS: Final = (
    _fault(1, "database down 60 s", "nothing lost, screens live", "faults/test_database.py::test_down"),
    _fault(
        2,
        "database disk full",
        "incidents kept, history shed and counted",
        "faults/test_database.py::test_disk_full",
    ),
    _fault(3, "database frozen", "error in time, pool recovers", "faults/test_database.py::test_frozen"),
    _fault(
        4,
        "idle connections killed",
        "no error for users",
        "faults/test_database.py::test_idle_connections_killed",
    ),
    _fault(5, "transaction pooler in front", "the suite passes", "faults/test_pooler.py"),
    _fault(6, "kill -9 mid-analysis", "one analysis, order, notification each", "faults/test_kills.py"),
    _fault(7, "kill -9 around an e-mail", "at most one repeat, same key", "work/test_delivery_killed.py"),
    _fault(8, "worker half open", "job free in 30 s", "faults/test_workers.py::test_half_open"),
    _fault(
        9,
        "200 at once ask for an analysis",
        "one run, all see it",
        "faults/test_workers.py::test_asked_at_once",
    ),
    _fault(10, "two workers, same order", "one row", "faults/test_workers.py::test_same_order"),
    _fault(11, "poison item", "five tries, then dead; others go on", "faults/test_workers.py::test_poison"),
    _fault(
        12, "OPC UA server restarts", "back in 5 s, backfilled", "faults/test_opcua.py::test_server_restarts"
    ),
    _fault(13, "link cut 15 s", "no sample lost", "faults/test_opcua.py::test_link_cut"),
    _fault(14, "link a black hole", "noticed in 3 s, no hang", "faults/test_opcua.py::test_black_hole"),
    _fault(
        15,
        "cut longer than the queue",
        "backfilled, gap marked",
        "faults/test_opcua.py::test_longer_than_the_queue",
    ),
    _fault(
        16,
        "client certificate expired or untrusted",
        "clear status, slow retry",
        "faults/test_opcua.py::test_certificate_of_ours",
    ),
    _fault(
        17, "server certificate changed", "refused, alert", "faults/test_opcua.py::test_certificate_of_theirs"
    ),
    _fault(
        18,
        "PI answers 500, 429, late, cut short",
        "back-off, breaker, others unaffected",
        "faults/test_pi.py::test_answers",
    ),
    _fault(19, "malformed PI answers", "row refused and counted", "faults/test_pi.py::test_malformed"),
    _fault(
        20,
        "NaN, Inf, bad quality",
        "never in a detector, shown as bad",
        "faults/test_samples.py::test_not_finite",
    ),
    _fault(
        21, "out of order, duplicates", "state and anchors as sorted", "faults/test_samples.py::test_shuffled"
    ),
    _fault(22, "times in the future or of 1970", "quarantined", "faults/test_samples.py::test_times"),
    _fault(
        23,
        "clock jumps an hour",
        "no mass of anchors, leases hold",
        "faults/test_clock.py",
        "faults/test_samples.py::test_our_clock_jumps",
    ),
    _fault(24, "source drifts 90 s", "window corrected", "faults/test_samples.py::test_drift"),
    _fault(25, "stuck value", "stale, no false normal", "faults/test_samples.py::test_stuck"),
    _fault(
        26,
        "flood: 10,000 events in 60 s",
        "one incident per asset and mode, digest",
        "faults/test_flood.py::test_flood",
    ),
    _fault(27, "chattering tag", "one incident, its count rises", "faults/test_flood.py::test_chatter"),
    _fault(
        28,
        "slow WebSocket client",
        "others unaffected; cut or conflated",
        "faults/test_screens.py::test_slow_client",
    ),
    _fault(
        29,
        "8,000 WebSocket connects",
        "cap answers 1013, memory bounded",
        "faults/test_screens.py::test_many_connects",
    ),
    _fault(
        30, "WebSocket reconnects", "no event missed or doubled", "faults/test_screens.py::test_reconnects"
    ),
    _fault(
        31,
        "150 MB body, 17 MB frame, slow loris",
        "413, 1009, time-out",
        "web/test_attacks.py::test_150_megabytes_are_refused_and_not_kept",
        "web/test_attacks.py::test_a_frame_of_17_megabytes_closes_the_socket",
        "faults/test_screens.py::test_slow_loris",
    ),
    _fault(
        32,
        "ids of another tenant guessed",
        "404, no byte leaked",
        "web/test_access_matrix.py",
    ),
    _fault(
        33,
        "forgotten filter (Core, text)",
        "no foreign row",
        "db/test_row_level_security.py::test_forgotten_filter",
        "db/test_row_level_security.py::test_a_filter_for_another_tenant_shows_nothing",
    ),
    _fault(
        34,
        "foreign key across tenants",
        "refused",
        "db/test_row_level_security.py::test_reference_into_another_tenant_is_refused",
        "db/test_row_level_security.py::test_no_reference_accepts_a_row_of_another_tenant",
    ),
    _fault(
        35,
        "serving role can bypass isolation",
        "refuses to start",
        "db/test_row_level_security.py::test_owner_who_could_bypass_is_refused_as_server",
        "db/test_row_level_security.py::test_serving_role_that_can_bypass_is_refused",
    ),
    _fault(
        36,
        "extra fields in bodies",
        "never assigned",
        "web/test_extra_fields.py",
    ),
    _fault(
        37,
        "foreign page posts or opens a socket",
        "403",
        "web/test_attacks.py::test_a_foreign_page_reads_changes_and_hears_nothing",
        "web/test_attacks.py::test_a_socket_asked_for_by_a_foreign_page_is_refused",
        "web/test_security.py::test_a_foreign_page_changes_nothing",
    ),
    _fault(
        38,
        "script in tag, note, story",
        "inert in a real browser",
        "web/test_hostile_input.py::test_script_in_every_stored_text_is_inert_on_every_page",
    ),
    _fault(
        39,
        "SQL in any field",
        "inert, no 500",
        "web/test_hostile_input.py::test_script_and_sql_in_every_writable_field_break_nothing",
    ),
    _fault(
        40,
        "connector URL to link-local, file:, redirect",
        "refused",
        "connectors/test_allowed_hosts.py",
        "connectors/test_addresses.py",
        "connectors/test_checked_transport.py",
    ),
    _fault(
        41,
        "password guessing",
        "throttled, no oracle",
        "faults/test_strangers.py::test_guessing",
        "web/test_limits.py::test_attempts_are_counted_per_account_and_per_address",
        "web/people/test_auth.py::test_unknown_account_and_wrong_password_sound_the_same",
    ),
    _fault(
        42,
        "revoked user with an open socket",
        "closed within 60 s",
        "faults/test_strangers.py::test_revoked",
        "web/test_live.py::test_who_is_put_out_over_http_is_off_the_screens_at_once",
    ),
    _fault(
        43, "checkpoint or audit row tampered", "rejected, verification fails", "faults/test_tampering.py"
    ),
    _fault(
        44,
        "worker killed or paused, broker killed",
        "counts equal, zombie fenced",
        "faults/test_partitions.py",
    ),
    _fault(45, "edge link down", "catch-up complete", "faults/test_edge.py"),
    _fault(
        46, "migration under live load", "no lock over 1 s, version 1 still works", "faults/test_upgrade.py"
    ),
    _fault(
        47,
        "daylight-saving days in the rota",
        "right person",
        "core/test_rota.py",
        "work/test_on_call_at_night.py",
    ),
    _fault(48, "kill -9 with the embedded database", "next start re-attaches", "faults/test_embedded.py"),
)
