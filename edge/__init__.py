"""Runs beside a device: camera, signal controller, lane sensor. Spools, then publishes."""
