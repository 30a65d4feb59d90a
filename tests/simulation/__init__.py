"""The whole system in one thread, by seed: faults at every boundary, an oracle beside it."""
