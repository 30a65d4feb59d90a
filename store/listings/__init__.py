"""Bounded reads for people and programs: a module per noun, plain dicts, instants in UTC."""
