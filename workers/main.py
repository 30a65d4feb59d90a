"""`vouch`: the command line, and the only place that reads the environment."""

import sys

from events.errors import VouchError
from workers.cli.root import app


def main() -> None:
    """Run a command; what we raise on purpose becomes one line and a hint, exit code 2."""
    try:
        app(standalone_mode=True)
    except VouchError as error:
        print(f"vouch: error[{error.code}]: {error}", file=sys.stderr)
        if error.hint:
            print(f"  help: {error.hint}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
