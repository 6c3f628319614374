"""Where everything stands: columns, heights, routes, measured in the units of a picture."""
