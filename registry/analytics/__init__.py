"""`omni2_analytics`: what the record adds up to, as the tools of a server that lives in-process."""
