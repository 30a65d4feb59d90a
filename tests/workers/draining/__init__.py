"""One bad input harms nobody else, nor does the death of a process."""
