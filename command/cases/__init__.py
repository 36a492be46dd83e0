"""Cases: one gate in, seven stages, one gate out; who is sent, by when, and what became of it."""
