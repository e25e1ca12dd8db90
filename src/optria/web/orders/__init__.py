"""Work orders: the API, moves, versions, causes, words of the history."""
