"""Tests of the pure core: examples and properties."""
