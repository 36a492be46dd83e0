"""Any past moment of the city, from the database: what stood then, and what changed after it."""
