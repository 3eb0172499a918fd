"""`manage.py import_policy [FILE]`: a change of the policy, rehearsed before it is made."""

from omni2.configuration.command import OneFileCommand
from omni2.configuration.vocabulary import DRAFT


class Command(OneFileCommand):
    help = (
        "Import policy.yaml: the parts of the policy it speaks of. --dry-run shows what changes in"
        " rules and in effect, --against 30d what it would have done to recorded calls."
    )
    vocabulary = DRAFT
