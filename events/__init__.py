"""Facts as they enter and leave: the envelope, the catalogue of domain events, the errors."""
