"""Detectors on this machine: their registry, and how the default one is fetched, converted and quantised."""
