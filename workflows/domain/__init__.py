"""What the engine does by itself: the same in every programme."""
