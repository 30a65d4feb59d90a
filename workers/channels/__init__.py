"""The ways a delivery leaves: e-mail, SMS, webhooks, and a folder for demonstrations."""
