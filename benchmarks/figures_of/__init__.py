"""One figure a module: `python -m benchmarks.figures_of NAME` measures it by itself."""
