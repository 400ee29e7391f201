"""`--images-from`: the new references that a build wrote, as rules. One module per format.

`any_file` recognizes the format of a file by its content, and combines the rules of several files.
"""
