"""Why a document, or one operation of it, gives no tools."""


class UnusableDocument(Exception):
    """The text is no OpenAPI document that tools can be made of; the message says why."""


class NoDocument(UnusableDocument):
    """The text is something else altogether."""


class UnusableOperation(Exception):
    """One operation cannot be a tool; the message says why. The others can."""
