"""The queue, in one process and on a real Valkey."""
