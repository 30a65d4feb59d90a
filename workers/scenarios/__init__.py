"""Scenarios: stories with the facts that must come out, played on the real application."""
