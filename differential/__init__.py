"""A differential test: compares the program with a small model, and reads its output with five parsers."""
