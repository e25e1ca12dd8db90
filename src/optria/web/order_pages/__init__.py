"""The page of the work orders: the board, the list, and one order with how its asset is now."""
