"""`vouch ...`: a module per subject; every command is a face of `App`."""
