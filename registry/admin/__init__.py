"""The registry's pages: servers, their tools and accounts, and how they have been."""

from registry.admin.accounts import ConnectedAccountAdmin
from registry.admin.checks import HealthCheckAdmin
from registry.admin.servers import ServerAdmin
from registry.admin.tools import ToolAdmin

__all__ = ["ConnectedAccountAdmin", "HealthCheckAdmin", "ServerAdmin", "ToolAdmin"]
