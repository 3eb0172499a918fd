"""What is kept in memory is what the tables say, whoever changed them and however."""

import logging

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from accounts.models import ApiKey, Role, Rule, ServerGrant, Team, User
from audit import record, stamps
from audit.models import Entry, Stamp
from audit.stamps import Kept
from registry.models import Server, Tool
from tests.elsewhere import elsewhere

pytestmark = pytest.mark.django_db


def role_names():
    return sorted(Role.objects.values_list("name", flat=True))


class Looked:
    """How often a value had to be worked out."""

    def __init__(self, work_out):
        self.times = 0
        self._work_out = work_out

    def __call__(self):
        self.times += 1
        return self._work_out()


def test_a_value_is_worked_out_once_as_long_as_nothing_changes():
    Role.objects.create(name="one")
    kept, looked = Kept("accounts"), Looked(role_names)

    assert [kept.get("roles", looked) for _ in range(3)] == [["one"]] * 3
    assert looked.times == 1


def test_what_is_not_there_is_not_kept():
    kept, looked = Kept("accounts"), Looked(lambda: None)

    assert [kept.get("guess", looked) for _ in range(3)] == [None] * 3
    assert looked.times == 3


def create(user):
    Role.objects.create(name="one")


def update(user):
    User.objects.filter(pk=user.pk).update(status=User.Status.SUSPENDED)


def delete(user):
    user.delete()


def join_a_team(user):
    # Django adds with INSERT OR IGNORE, which a trigger on SQLite inherits.
    user.teams.add(Team.objects.get_or_create(key="ops")[0])


def leave_the_team(user):
    user.teams.clear()


def grant(user):
    ServerGrant.objects.create(user=user, server="s", tools=["*"])


def issue_a_key(user):
    ApiKey.issue(user, "laptop")


def write_a_rule(user):
    Rule.objects.create(kind=Rule.Kind.BLOCKED, patterns=["drop_*"])


def write_sql(user):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_user SET allowed_mcps = NULL")


@pytest.mark.parametrize(
    "change",
    [
        create,
        update,
        delete,
        join_a_team,
        leave_the_team,
        grant,
        issue_a_key,
        write_a_rule,
        write_sql,
    ],
)
def test_every_way_to_change_what_counts_is_noticed(change):
    user = User.objects.create_user("p@example.com")
    user.teams.add(Team.objects.create(key="first"))
    kept, looked = Kept("accounts"), Looked(lambda: "worked out")
    kept.get("x", looked)

    change(user)

    kept.get("x", looked)
    assert looked.times == 2


def test_noting_a_use_or_a_login_throws_nothing_away():
    user = User.objects.create_user("p@example.com")
    key, _ = ApiKey.issue(user, "laptop")
    kept, looked = Kept("accounts"), Looked(lambda: "worked out")
    kept.get("x", looked)

    key.mark_used()
    user.save(update_fields=["last_login"])

    kept.get("x", looked)
    assert (key.last_used_at is not None, looked.times) == (True, 1)


def test_the_registry_and_people_are_kept_apart():
    server = Server.objects.create(name="s", transport=Server.Transport.STDIO)
    tools, people = Looked(lambda: 1), Looked(lambda: 2)
    registry, accounts, both = Kept("registry"), Kept("accounts"), Kept("accounts", "registry")
    together = Looked(lambda: 3)

    def ask():
        registry.get("x", tools)
        accounts.get("x", people)
        both.get("x", together)

    ask()
    Tool.objects.create(server=server, name="t", qualified_name="s__t", fingerprint="f")
    ask()
    Server.objects.update(health=Server.Health.UP)
    ask()

    assert (tools.times, people.times, together.times) == (2, 1, 2)


def test_of_the_record_only_refusals_are_noticed():
    kept, value, seen = Kept("refusals"), Looked(lambda: 1), []

    for kind in (Entry.Kind.AUTH_LOGIN, Entry.Kind.AUTH_REFUSED, Entry.Kind.CALL_CALLED):
        record.write(kind, Entry.Outcome.OK)
        kept.get("x", value)
        seen.append(value.times)

    assert seen == [1, 2, 2]


def test_a_rollback_brings_back_what_was_there_before():
    kept = Kept("accounts")
    before = kept.get("roles", role_names)
    with transaction.atomic():
        Role.objects.create(name="never")
        within = kept.get("roles", role_names)
        transaction.set_rollback(True)
    after = kept.get("roles", role_names)
    Role.objects.create(name="other")

    assert (before, within, after) == ([], ["never"], [])
    assert kept.get("roles", role_names) == ["other"]


@pytest.mark.django_db(transaction=True)
def test_a_change_made_over_another_connection_is_noticed_at_the_next_look():
    Role.objects.create(name="one")
    kept = Kept("accounts")
    before = kept.get("roles", role_names)

    elsewhere(lambda: Role.objects.create(name="two"))

    assert (before, kept.get("roles", role_names)) == (["one"], ["one", "two"])


def test_without_its_trigger_nothing_is_kept(monkeypatch, caplog):
    monkeypatch.setattr(stamps._Installation, "has_warned", False)
    with connection.cursor() as cursor:
        name, table = next(stamps._existing())
        on = f' ON "{table}"' if connection.vendor == "postgresql" else ""
        cursor.execute(f'DROP TRIGGER "{name}"{on}')
    kept, looked = Kept("accounts"), Looked(lambda: "worked out")

    with caplog.at_level(logging.WARNING):
        kept.get("x", looked)
        kept.get("x", looked)

    assert looked.times == 2
    assert [record.message.split(",")[0] for record in caplog.records] == ["triggers are missing"]


def test_migrating_puts_back_what_is_missing_and_forgets_what_was_kept():
    kept, looked = Kept("accounts"), Looked(lambda: "worked out")
    kept.get("x", looked)
    with connection.cursor() as cursor:
        name, table = next(stamps._existing())
        on = f' ON "{table}"' if connection.vendor == "postgresql" else ""
        cursor.execute(f'DROP TRIGGER "{name}"{on}')
        cursor.execute("UPDATE accounts_user SET name = name")

    call_command("migrate", "audit", verbosity=0)

    kept.get("x", looked)
    assert (stamps.installed(), looked.times) == (True, 2)


def test_where_a_column_is_not_there_yet_migrating_goes_on_and_nothing_is_kept():
    with connection.cursor() as cursor:
        on = " ON accounts_team" if connection.vendor == "postgresql" else ""
        for name, table in list(stamps._existing()):
            if table == "accounts_team":
                cursor.execute(f'DROP TRIGGER "{name}"{on}')
        cursor.execute("ALTER TABLE accounts_team DROP COLUMN description")

    stamps.install()

    kept, looked = Kept("accounts"), Looked(lambda: "worked out")
    kept.get("x", looked)
    kept.get("x", looked)
    assert (stamps.installed(), looked.times) == (False, 2)


def test_without_a_mark_nothing_is_kept():
    Stamp.objects.all().delete()
    kept, looked = Kept("accounts"), Looked(lambda: "worked out")

    kept.get("x", looked)
    kept.get("x", looked)

    assert looked.times == 2
