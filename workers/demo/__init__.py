"""The demo: a made-up company's year, played by the real App on a virtual clock."""
