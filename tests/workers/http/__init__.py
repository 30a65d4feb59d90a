"""The HTTP interface for publishers."""
