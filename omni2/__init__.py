"""OMNI2: the governed front door to all of a company's MCP servers."""

from omni2.celery import app as celery_app

__all__ = ["celery_app"]
