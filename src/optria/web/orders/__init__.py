"""Work orders: the API, the board, moves, causes."""
