"""Moments as every page writes them: ISO 8601, UTC, to the second."""

DATE_FORMAT = SHORT_DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = r"Y-m-d H:i:s \U\T\C"
FIRST_DAY_OF_WEEK = 1
