"""The steps: one module per family, each with its transitions."""
