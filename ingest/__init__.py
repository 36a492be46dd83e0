"""MQTT in, validated, stored exactly once; dead letters; rollups; the schema."""
