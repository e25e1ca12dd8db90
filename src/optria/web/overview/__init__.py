"""The overview: how the plant, its incidents and the work on them stand at this moment."""
