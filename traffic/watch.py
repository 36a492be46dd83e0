"""What the lanes of an intersection are shown and for how long, from what their movements are shown."""

import numba

from traffic.network import PROTECTED, RED, Bytes, Floats, Ints


@numba.njit(nogil=True, cache=True)
def watch(  # noqa: PLR0917 - numba calls by position
    lane_movement_ptr: Ints,
    lane_movement: Ints,
    first_lane: int,
    first: int,
    codes: Bytes,
    green_s: Floats,
    elapsed: float,
    full_green: Bytes,
    lane_green_s: Floats,
    red_s: Floats,
) -> None:
    """Bring `full_green[k]` (every movement of lane k has protected green), `lane_green_s[k]` and `red_s[k]`
    up to date, `elapsed` seconds after the last time.

    Lanes k and movements m are those of one intersection, from `first_lane` and `first` on:
    `codes[m]` is what is shown, for `green_s[m]` seconds.
    """
    for k in range(len(red_s)):
        longest, is_green, is_full = 0.0, False, True
        for at in range(lane_movement_ptr[first_lane + k], lane_movement_ptr[first_lane + k + 1]):
            m = lane_movement[at] - first
            longest = max(longest, green_s[m])
            is_green = is_green or codes[m] != RED
            is_full = is_full and codes[m] == PROTECTED
        full_green[k] = 1 if is_full else 0
        lane_green_s[k] = longest if is_green else 0.0
        red_s[k] = 0.0 if is_green else red_s[k] + elapsed
