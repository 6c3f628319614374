"""Small bugs, planted on purpose: a suite that does not see them would not see ours either."""
