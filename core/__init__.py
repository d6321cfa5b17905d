"""Everything of emotui that works without a screen: data, models, runs and the command line."""
