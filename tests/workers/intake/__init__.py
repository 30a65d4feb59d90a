"""Intake on both databases, and the group commit in front of it."""
