"""What the command centre costs: its queries over a month, its streams, and the map in a browser."""
