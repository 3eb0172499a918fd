"""`restrict_role`: a database role that can add to the record and not change it."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, transaction

from audit import roles
from audit.errors import RoleError


class Command(BaseCommand):
    help = (
        "Give a PostgreSQL role what OMNI2 needs to serve, without the right to change or delete"
        " entries and blocks. Run it as the owner of the tables, who goes on migrating."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("role", help="the role that DATABASE_URL of the processes names")

    def handle(self, *args: object, **options: str) -> None:
        try:
            with transaction.atomic():
                roles.restrict(options["role"])
        except (RoleError, DatabaseError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{options['role']} can add to the record, and not change it")
