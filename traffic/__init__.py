"""Measurements to network state to signal plans: the optimiser and its shells."""
