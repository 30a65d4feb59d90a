"""A Postgres or a Valkey for a host: `python -m benchmarks.hosts.server KIND FOLDER ADDRESS`.

Prints its address with login and all, and ends when its standard input does.
"""

import sys
from contextlib import AbstractContextManager
from pathlib import Path

from tests.services import postgres_server, valkey_server

_EVERYBODY = "host all all all scram-sha-256\n"


def main() -> None:
    """Serve until nobody wants it any more."""
    kind, home, host = sys.argv[1:4]
    folder = Path(home)
    folder.mkdir(parents=True, exist_ok=True)
    with _server(kind, folder, host) as address:
        print(address.replace("127.0.0.1", host), flush=True)
        sys.stdin.read()


def _server(kind: str, folder: Path, host: str) -> AbstractContextManager[str]:
    if kind == "valkey":
        return valkey_server(folder, also_on=[host])
    rules = folder.with_name("pg_hba.conf")
    rules.write_text(_EVERYBODY)
    rules.chmod(0o644)
    return postgres_server(
        folder, more={"listen_addresses": f"127.0.0.1,{host}", "hba_file": str(rules)}
    )


if __name__ == "__main__":
    main()
