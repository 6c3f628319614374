"""Elementary functions, losses, and nodes of one's own."""
