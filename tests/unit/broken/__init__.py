"""Small broken programmes, one mistake each."""
