"""What is wrong with a programme, said like a compiler says it: place, reason, remedy."""
