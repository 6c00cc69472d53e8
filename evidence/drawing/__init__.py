"""Pictures: one function each, one style, alternative text from the data."""
