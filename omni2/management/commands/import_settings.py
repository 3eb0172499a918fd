"""`manage.py import_settings [FILE]`: which environment variables say what settings.yaml says."""

from omni2.configuration.command import OneFileCommand


class Command(OneFileCommand):
    help = "Print the environment variables that say what settings.yaml says; nothing is written."
    vocabulary = "settings.yaml"
