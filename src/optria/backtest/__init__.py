"""The production path run over recordings and stored history: what it would have said, and how well."""
