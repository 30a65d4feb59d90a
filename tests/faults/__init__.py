"""Real processes, killed and cut off in the middle of their work; every effect counted."""
