"""`--images-from`: reads the new references that a build tool wrote, and converts them to rules.

Each file format has a module. `any_file` recognizes the format, and combines the rules of several files.
"""
