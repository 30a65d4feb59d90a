"""Channels to people and to other systems."""
