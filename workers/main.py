"""`vouch`: the command line, and the only place that reads the environment."""

from workers.cli.root import app


def main() -> None:
    """Run a command; its exit code says how it went."""
    app()


if __name__ == "__main__":
    main()
