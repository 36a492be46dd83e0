"""SUMO: the city that stands in for the street, and studies for engineers."""
