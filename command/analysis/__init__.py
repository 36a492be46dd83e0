"""Key figures over time: by hour, day and district, compared, exported; and the sheet of a shift."""
