"""Whole numbers as somebody wrote them: what Python itself would read is much more than that."""


def is_digits(given: str | bytes, most: int) -> bool:
    """Whether this is one to `most` ASCII digits and nothing else; `int` then reads it."""
    return given.isascii() and given.isdigit() and len(given) <= most
