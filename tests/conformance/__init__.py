"""One suite that every database must pass: each test runs on SQLite and on Postgres."""
