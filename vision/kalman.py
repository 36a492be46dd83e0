"""A constant-velocity Kalman filter over many boxes at once: centre, width and height, each on its own.

With noise that acts on each coordinate alone the full filter falls apart into one of two states (value and
rate) per coordinate, which is what is computed here. Source: Bar-Shalom, Li, Kirubarajan, Estimation with
Applications to Tracking and Navigation (2001), 5.2.1 and 6.2.2, discretised white noise acceleration.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MEASURED = np.array([0.07, 0.07, 0.12, 0.12])
"""Standard deviation of a detected centre and size, as a share of the box."""
ACCELERATION = np.array([4.0, 4.0, 0.8, 0.8])
"""Standard deviation of acceleration, in box sizes per square second."""
BIRTH_RATE = np.array([5.0, 5.0, 0.6, 0.6])
"""Standard deviation of a new box's velocity where nothing is known of it, in box sizes per second."""


def to_centre(boxes: NDArray[np.floating]) -> Floats:
    """Boxes (n, 4) x1, y1, x2, y2 as centre x, centre y, width, height."""
    low, high = boxes[:, :2].astype(np.float64), boxes[:, 2:].astype(np.float64)
    return np.concatenate([(low + high) / 2, np.maximum(high - low, 1.0)], axis=1)


def to_corners(states: Floats) -> NDArray[np.float32]:
    """The inverse of `to_centre`."""
    half = np.maximum(states[:, 2:], 1.0) / 2
    return np.concatenate([states[:, :2] - half, states[:, :2] + half], axis=1).astype(np.float32)


def size_of(states: Floats) -> Floats:
    """One length of each box, (n, 1) pixels: the geometric mean of width and height."""
    return np.asarray(np.sqrt(np.maximum(states[:, 2:3], 1.0) * np.maximum(states[:, 3:4], 1.0)))


def _none(*shape: int) -> Floats:
    return np.empty(shape)


@dataclass(slots=True)
class BoxFilter:
    """State of n boxes: `state` and `rate` (n, 4) in pixels and pixels per second, and covariances."""

    state: Floats = field(default_factory=lambda: _none(0, 4))
    rate: Floats = field(default_factory=lambda: _none(0, 4))
    var_state: Floats = field(default_factory=lambda: _none(0, 4))
    covariance: Floats = field(default_factory=lambda: _none(0, 4))
    var_rate: Floats = field(default_factory=lambda: _none(0, 4))

    def __len__(self) -> int:
        return len(self.state)

    def predict(self, dt_s: float) -> None:
        """Move everything on by `dt_s` seconds."""
        noise = (ACCELERATION * size_of(self.state)) ** 2
        self.state += self.rate * dt_s
        self.state[:, 2:] = np.maximum(self.state[:, 2:], 1.0)
        self.var_state += 2 * dt_s * self.covariance + dt_s**2 * self.var_rate + noise * dt_s**4 / 4
        self.covariance += dt_s * self.var_rate + noise * dt_s**3 / 2
        self.var_rate += noise * dt_s**2

    def expected_variance(self) -> Floats:
        """Variance (n, 4) of what will be measured: of the state, and of the measuring."""
        return self.var_state + (MEASURED * size_of(self.state)) ** 2

    def correct(self, rows: NDArray[np.intp], measured: Floats) -> None:
        """Take `measured`: (m, 4) centre and size as seen for the boxes `rows`: (m,)."""
        total = self.expected_variance()[rows]
        gain, gain_rate = self.var_state[rows] / total, self.covariance[rows] / total
        residual = measured - self.state[rows]
        self.state[rows] += gain * residual
        self.rate[rows] += gain_rate * residual
        self.var_rate[rows] -= gain_rate * self.covariance[rows]
        self.covariance[rows] *= 1 - gain
        self.var_state[rows] *= 1 - gain

    def set_velocity(self, rows: NDArray[np.intp], velocity: Floats, deviation: Floats) -> None:
        """Replace what is known of the velocity (m, 2) px/s of `rows`, with its deviation (m, 1)."""
        self.rate[rows, :2] = velocity
        self.var_rate[rows, :2] = deviation**2
        self.covariance[rows, :2] = 0.0

    def append(self, measured: Floats, velocity: Floats, deviation: Floats) -> None:
        """Add new boxes (m, 4) with a guess (m, 2) of their velocity in pixels per second, and how sure it
        is: `deviation` (m, 1) in pixels per second.
        """
        size = size_of(measured)
        rate = np.concatenate([velocity, np.zeros_like(velocity)], axis=1)
        spread = BIRTH_RATE * size
        spread[:, :2] = deviation
        self.state = np.concatenate([self.state, measured])
        self.rate = np.concatenate([self.rate, rate])
        self.var_state = np.concatenate([self.var_state, (MEASURED * size) ** 2])
        self.covariance = np.concatenate([self.covariance, np.zeros_like(measured)])
        self.var_rate = np.concatenate([self.var_rate, spread**2])

    def keep(self, rows: NDArray[np.bool_]) -> None:
        """Forget the other boxes."""
        for name in ("state", "rate", "var_state", "covariance", "var_rate"):
            setattr(self, name, getattr(self, name)[rows])
