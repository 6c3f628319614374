"""A text becomes a callable: tokens, parser, expression."""
