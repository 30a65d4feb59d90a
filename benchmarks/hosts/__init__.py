"""The drill of several hosts: a network of our own, its wires cut and healed; effects counted."""
