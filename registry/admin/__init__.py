"""The registry's pages: servers, their tools, and how they have been."""

from registry.admin.servers import HealthCheckAdmin, ServerAdmin
from registry.admin.tools import ToolAdmin

__all__ = ["HealthCheckAdmin", "ServerAdmin", "ToolAdmin"]
