"""The pages that operators see: they show, and change nothing."""
