"""Alarms: what events ask of operators, bundled, and everything that is done about it."""
