"""The event codes of traffic signal controllers, as far as a simulated signal can tell them.

Source: Indiana Traffic Signal Hi Resolution Data Logger Enumerations (INDOT and Purdue University, 2012, and
the pooled fund study TPF-5(377), 2020; docs.lib.purdue.edu/jtrpdata/4). A row of a log is a time, a device,
one of these codes, and a parameter: a phase, a detector channel, or a value.
"""

from enum import IntEnum


class Event(IntEnum):
    """What happened; the parameter is told where it is not the phase."""

    PHASE_ON = 0
    PHASE_BEGIN_GREEN = 1
    PHASE_MIN_COMPLETE = 3
    PHASE_GAP_OUT = 4
    PHASE_MAX_OUT = 5
    PHASE_FORCE_OFF = 6
    PHASE_GREEN_TERMINATION = 7
    PHASE_BEGIN_YELLOW = 8
    PHASE_END_YELLOW = 9
    PHASE_BEGIN_RED_CLEARANCE = 10
    PHASE_END_RED_CLEARANCE = 11
    PHASE_INACTIVE = 12
    PED_BEGIN_WALK = 21
    PED_BEGIN_CLEARANCE = 22
    PED_BEGIN_DONT_WALK = 23
    FYA_BEGIN_PERMISSIVE = 32
    FYA_END_PERMISSIVE = 33
    DETECTOR_OFF = 81
    """Parameter: detector channel."""
    DETECTOR_ON = 82
    """Parameter: detector channel."""
    PATTERN_CHANGE = 131
    """Parameter: pattern; 254 is free operation (NTCIP 1202)."""
    CYCLE_LENGTH_CHANGE = 132
    """Parameter: seconds."""
    OFFSET_CHANGE = 133
    """Parameter: seconds."""


FREE_PATTERN = 254
