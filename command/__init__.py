"""The command centre: API, live map, and what people do with what the city sees."""
