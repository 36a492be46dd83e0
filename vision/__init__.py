"""Frames to detections to tracks to traffic measurements and events."""
