"""The shell: queues and channels against real servers."""
