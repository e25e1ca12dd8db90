"""What the analysis goes by: limits, windows, rules, costs, factors, specs, policies."""
