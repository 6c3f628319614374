"""Which texts a picture shows: numbers, symbols, rules, empty boxes."""
