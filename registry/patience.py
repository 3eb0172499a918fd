"""How long a server may be waited for and how often it is asked again: one set for every door."""

SHORTEST_TIMEOUT = 0.1  # seconds, as the others
LONGEST_TIMEOUT = 3600
LONGEST_DELAY = 300
MOST_ATTEMPTS = 10
