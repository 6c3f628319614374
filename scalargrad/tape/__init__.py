"""Record a function once, replay it over whole batches."""
