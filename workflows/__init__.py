"""The pure core: a programme's definitions, the engine, the guard; values in, values out."""
