"""The company's YAML files: read with their lines, held against a vocabulary, turned into rows.

`reading` makes nodes of text, `shapes` say which keys a file may have and what becomes of each,
`checking` holds one against the other, `servers`, `policy` and `people` make values of it, and
`importing` applies them in one transaction. Nothing outside this package reads YAML or knows lines.
"""
