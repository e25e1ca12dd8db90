"""The pages of the rules: what the analysis goes by, how it is changed, and what a change would have done."""
