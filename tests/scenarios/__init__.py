"""Scenarios that ship, and scenarios of every rule that those do not show."""
