"""Scores to other systems, against tools that speak their documented interfaces."""
