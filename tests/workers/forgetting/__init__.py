"""Somebody is forgotten: no row of any table names them."""
