"""Everything that City Brain raises on purpose, sorted by who must act.

CityBrainError
├── ConfigError      the operator: a setting, file or argument is wrong
├── ContractError    the peer: a message or topic breaks the contract
├── Unavailable      nobody yet: a server or device is away; try again
└── UnsafeCommand    nobody, ever: a signal command that must not be obeyed
"""


class CityBrainError(Exception):
    """Base of all errors raised on purpose; its text is one clear sentence."""


class ConfigError(CityBrainError):
    """A setting, file or argument is wrong; the text names it and says what to do."""


class ContractError(CityBrainError):
    """A peer's message or topic breaks the contract.

    `field` is the path of the offending field (`$.lanes[3].queue_m`), or "" where none can be named.
    """

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.reason = reason
        self.field = field


class Unavailable(CityBrainError):
    """A server, device or file is away; the same call may work later."""


class UnsafeCommand(CityBrainError):
    """A signal command that must not be obeyed; the text is the reason that goes back to its sender."""
