"""The chaos drill: real processes, killed, frozen and cut off at random; every effect counted."""
