"""`manage.py import_servers [FILE]`: mcps.yaml → servers, their tools' rules and roles."""

from omni2.configuration.command import OneFileCommand


class Command(OneFileCommand):
    help = "Import mcps.yaml: servers, their tools' rules and roles."
    vocabulary = "mcps.yaml"
