"""`python -m tests.simulation SEED [--trace]`, or `FIRST-LAST`."""

import sys

from tests.simulation.runs import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
