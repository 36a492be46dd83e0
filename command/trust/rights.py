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


A, R = Action, Role
EVERYBODY = frozenset({A.OWN_ACCOUNT, A.SEE_DOCUMENTS})
MAP = EVERYBODY | {A.SEE_LIVE, A.SEE_HISTORY, A.TELL_LATENCY}
WATCH = MAP | {A.SEE_VIDEO, A.SEE_ALARMS}

TABLE: dict[Role, frozenset[Action]] = {
    R.CITIZEN: EVERYBODY,
    R.GRID_WORKER: EVERYBODY,
    R.HANDLER: EVERYBODY,
    R.DEPARTMENT: MAP,
    R.ACCEPTOR: WATCH,
    R.DISPATCHER: WATCH | {A.HANDLE_ALARMS},
    R.OPERATOR: WATCH | {A.HANDLE_ALARMS, A.SEE_METRICS, A.CALIBRATE_CAMERAS},
    R.SUPERVISOR: WATCH
    | {A.HANDLE_ALARMS, A.SEE_METRICS, A.CALIBRATE_CAMERAS, A.READ_AUDIT, A.SEE_RETENTION},
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
