"""The only dramatiq and Redis: messages in, nudges between processes, nothing that is the truth."""
