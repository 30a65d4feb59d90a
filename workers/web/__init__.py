"""The web process: intake over HTTP, vendors' webhooks, health, and the pages contacts see."""
