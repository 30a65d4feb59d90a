"""Measures what Vouch reaches on this machine, beside what a user would write without it."""
