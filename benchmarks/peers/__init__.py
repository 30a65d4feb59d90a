"""What a user would pick instead, doing the same work: event, run, timer and message.

`python -m benchmarks.peers` installs them in an environment of their own and runs them beside
Vouch, on the same Postgres and Valkey, in one run.
"""
