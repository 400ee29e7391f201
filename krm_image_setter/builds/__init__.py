"""Reads the files of `--images-from`, in which a build tool lists new references, and converts them to rules.

Each file format has a module. `any_file` recognizes the format, and combines the rules of several files.
"""
