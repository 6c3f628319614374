"""What a picture shows: the graph, what is folded, opened and named."""
