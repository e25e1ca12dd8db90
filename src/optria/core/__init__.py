"""The plant's words: pure values, no input or output."""
