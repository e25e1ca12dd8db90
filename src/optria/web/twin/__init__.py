"""The live twin: drawings, nodes, the page."""
