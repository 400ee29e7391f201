"""A differential test: the program against a small model of plain data, and five parsers that read its output."""
