"""Plants and their machines: sites, assets, lines, parts, condition, series."""
