"""Whatever is sent to the web, it answers in its own words, stays up, and changes nothing."""
