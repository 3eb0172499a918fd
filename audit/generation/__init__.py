"""A made-up record, sealed and verifiable, to measure searching and reading a large one."""
