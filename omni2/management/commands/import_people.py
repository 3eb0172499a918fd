"""`manage.py import_people [FILE]`: users.yaml → people, roles, teams and the default user."""

from omni2.configuration.command import OneFileCommand


class Command(OneFileCommand):
    help = "Import users.yaml: people, roles, teams and the default user."
    vocabulary = "users.yaml"
