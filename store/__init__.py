"""The only SQL: tables, migrations, and the set-based statements of the hot path."""
