"""How long a person's order to a signal may last: the command centre keeps to it, and regions see to it."""

MOST_S = 600.0
"""From its start to its end by itself, on the wall clock."""
MOST_AHEAD_S = 900.0
"""From now to its start; a green wave's later holds begin later."""
MOST_OFF_S = 5.0
"""Clocks of two machines that belong together."""
