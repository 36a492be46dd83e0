"""Webhooks: other systems are told what happens, and cannot be made a way into our own network."""
