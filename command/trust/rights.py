"""Who may do what, where: one table of roles and actions, and districts on top of it."""

from collections.abc import Iterable
from enum import StrEnum

from command.principal import Principal, Role


class Action(StrEnum):
    """What can be allowed; also the scopes of a token."""

    OWN_ACCOUNT = "own_account"
    """Sign out, change one's own password, set up TOTP, see oneself."""
    SEE_DOCUMENTS = "see_documents"
    SEE_LIVE = "see_live"
    """The map, signals, lanes, agents, key figures, and their stream."""
    SEE_HISTORY = "see_history"
    SEE_VIDEO = "see_video"
    CALIBRATE_CAMERAS = "calibrate_cameras"
    """Draw lanes, lines and zones over a camera's picture: what it measures by."""
    SEE_METRICS = "see_metrics"
    TELL_LATENCY = "tell_latency"
    SEE_ALARMS = "see_alarms"
    HANDLE_ALARMS = "handle_alarms"
    MANAGE_ACCOUNTS = "manage_accounts"
    READ_AUDIT = "read_audit"
    MANAGE_WEBHOOKS = "manage_webhooks"
    SEE_RETENTION = "see_retention"
    REPORT_CASES = "report_cases"
    SEE_CASES = "see_cases"
    """Cases as far as one's role goes: all of a district, a department's, or one's own; and one's inbox."""
    ACCEPT_CASES = "accept_cases"
    """Ask for checks, file, dismiss, merge, close."""
    DISPATCH_CASES = "dispatch_cases"
    """To departments; who could be sent, and sending them; roll-calls."""
    HANDLE_CASES = "handle_cases"
    """As a department: accept, assign, return, stop the clock, extend, appeal."""
    WORK_FIELD = "work_field"
    """On the street: duty, positions, tasks, uploads, offline batches."""
    SUPERVISE_CASES = "supervise_cases"
    """Decide appeals, name another acceptor."""
    SEE_WORKERS = "see_workers"
    """Where workers on duty are: personal data."""
    SEE_EVALUATION = "see_evaluation"
    OPEN_GREEN_WAVE = "open_green_wave"
    ORDER_SIGNALS = "order_signals"
    """Hold a phase, the local plan, release; ask for a manual green wave and confirm another's."""


A, R = Action, Role
EVERYBODY = frozenset({A.OWN_ACCOUNT, A.SEE_DOCUMENTS})
MAP = EVERYBODY | {A.SEE_LIVE, A.SEE_HISTORY, A.TELL_LATENCY}
CASES = EVERYBODY | {A.REPORT_CASES, A.SEE_CASES}
WATCH = MAP | {A.SEE_VIDEO, A.SEE_ALARMS}

TABLE: dict[Role, frozenset[Action]] = {
    R.CITIZEN: CASES,
    R.GRID_WORKER: CASES | {A.WORK_FIELD},
    R.HANDLER: CASES | {A.WORK_FIELD},
    # Who handles does not accept, verify or rate: the rights are kept apart, and the stages see to it again.
    R.DEPARTMENT: MAP | CASES | {A.HANDLE_CASES, A.SEE_EVALUATION},
    R.ACCEPTOR: WATCH | CASES | {A.ACCEPT_CASES, A.SEE_EVALUATION},
    R.DISPATCHER: WATCH
    | CASES
    | {A.HANDLE_ALARMS, A.DISPATCH_CASES, A.SEE_WORKERS, A.SEE_EVALUATION, A.OPEN_GREEN_WAVE},
    R.OPERATOR: WATCH | CASES | {A.HANDLE_ALARMS, A.SEE_METRICS, A.CALIBRATE_CAMERAS, A.ORDER_SIGNALS},
    R.SUPERVISOR: WATCH
    | CASES
    | {A.HANDLE_ALARMS, A.SEE_METRICS, A.READ_AUDIT, A.SEE_RETENTION, A.SUPERVISE_CASES, A.SEE_WORKERS}
    | {A.SEE_EVALUATION, A.CALIBRATE_CAMERAS, A.ORDER_SIGNALS},
    # Who gives rights does not watch people: no video, no alarms.
    R.ADMINISTRATOR: MAP
    | {A.SEE_METRICS, A.MANAGE_ACCOUNTS, A.READ_AUDIT, A.MANAGE_WEBHOOKS, A.SEE_RETENTION},
}
"""What each role may do; what is not here is not allowed."""

WHOLE_CITY = frozenset({A.SEE_METRICS, A.MANAGE_ACCOUNTS, A.READ_AUDIT, A.MANAGE_WEBHOOKS, A.SEE_RETENTION})
"""What makes no sense within a district: an account that is bound to districts may not do it."""


def allowed(principal: Principal, scopes: frozenset[str] | None = None) -> frozenset[Action]:
    """All that this principal may do; `scopes` of the token in use bound it further, None: no token."""
    actions = frozenset[Action]().union(*(TABLE[role] for role in principal.roles))
    if principal.districts:
        actions -= WHOLE_CITY
    return actions if scopes is None else frozenset(action for action in actions if action in scopes)


def may(principal: Principal, action: Action, scopes: frozenset[str] | None = None) -> bool:
    return action in allowed(principal, scopes)


def covers(principal: Principal, districts: Iterable[str]) -> bool:
    """Whether an object that lies in these districts is this principal's to see.

    An object without a known district is seen only by those who look after the whole city.
    """
    return not principal.districts or not principal.districts.isdisjoint(districts)
