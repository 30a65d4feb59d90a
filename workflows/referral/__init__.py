"""The domain's rules of word of mouth: what counts, and what the figures say."""
