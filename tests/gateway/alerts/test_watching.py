"""What the rules find on the record: each pattern planted, and the same without it."""

import threading

import pytest
from django.db import connection
from django.utils import timezone

from audit import following, record, seal
from audit.models import Entry
from gateway.alerts import incidents, watching
from gateway.models import AlertRule, Incident

ADA, DEV = "ada@example.com", "dev@example.com"


def found():
    return {(one.name, one.cause): one.count for one in Incident.objects.all()}


def rule(name="r", **values):
    return AlertRule.objects.create(name=name, **values)


def test_a_watched_person_is_found_and_nobody_else(happen):
    rule("watch ada", filters={"person": ADA})
    happen("auth.login", DEV)
    assert found() == {}

    [entry] = happen("auth.login", ADA)
    assert found() == {("watch ada", f"person {ADA}"): 1}
    incident = Incident.objects.get()
    assert (incident.first_entry, incident.last_entry) == (entry.pk, entry.pk)
    assert (incident.opened_at, incident.filters) == (entry.at, {"person": ADA})


def test_a_burst_is_one_incident_that_grows_and_less_is_none(happen):
    rule("blocked", kinds=["call.refused"], count=10, window_seconds=600)
    happen("call.refused", ADA, 9)
    happen("call.refused", DEV, 9)
    happen("call.called", DEV, 5)
    assert found() == {}

    happen("call.refused", DEV)
    happen("call.refused", DEV, 20)
    assert found() == {("blocked", f"person {DEV}"): 30}
    assert Entry.objects.filter(kind="alert.raised").count() == 1

    incident, first = Incident.objects.get(), Entry.objects.filter(person=DEV).earliest("id")
    assert (incident.first_entry, incident.opened_at) == (first.pk, first.at)


def test_what_belonged_to_an_incident_that_is_over_is_no_part_of_the_next(happen, cast):
    rule("blocked", kinds=["call.refused"], count=10, window_seconds=600)
    happen("call.refused", DEV, 15)
    incidents.resolve(Incident.objects.get(), by=cast.ada, who=record.Who())
    happen("call.refused", DEV, 9)
    assert Incident.objects.unresolved().count() == 0

    happen("call.refused", DEV)
    assert [one.count for one in Incident.objects.order_by("pk")] == [15, 10]


def test_as_many_over_a_longer_time_are_no_burst(happen, monkeypatch):
    rule("blocked", kinds=["call.refused"], count=3, window_seconds=60)
    now = timezone.now()
    for minutes in (10, 8, 6, 4):
        with monkeypatch.context() as patched:
            moment = now - timezone.timedelta(minutes=minutes)
            patched.setattr(record.timezone, "now", lambda moment=moment: moment)
            record.write("call.refused", "refused", who=record.Who(person=DEV))
    happen("auth.login", DEV)
    assert found() == {}

    happen("call.refused", DEV, 3)
    assert found() == {("blocked", f"person {DEV}"): 3}


@pytest.mark.parametrize(
    ("each", "causes"),
    [
        ("", [""]),
        ("server", ["server crm", "server files"]),
        ("tool", ["tool find"]),
        ("person", [f"person {ADA}", f"person {DEV}"]),
    ],
)
def test_a_cause_is_one_value_of_the_column(happen, each, causes):
    rule("calls", kinds=["call.calling"], each=each)
    for person, server in ((ADA, "crm"), (DEV, "crm"), (ADA, "files")):
        happen("call.calling", person, server=server, tool="find")
    happen("auth.login")

    assert sorted(cause for _, cause in found()) == causes


@pytest.mark.parametrize(
    ("patterns", "times"),
    [(["delete_*"], 1), (["crm/*"], 2), (["*"], 3), (["files/delete_*"], 0), (["DELETE_*"], 0)],
)
def test_tools_are_found_by_patterns_of_their_names(happen, patterns, times):
    rule("tools", kinds=["call.calling"], tools=patterns, each="")
    for server, tool in (("crm", "delete_row"), ("crm", "find"), ("files", "read")):
        happen("call.calling", DEV, server=server, tool=tool)
    happen("question.accepted", DEV)

    assert found() == ({("tools", ""): times} if times else {})


def test_what_happens_outside_of_working_hours_is_found(happen):
    now = timezone.now()
    today = now.strftime("%a").lower()
    others = "sat-sun" if now.weekday() < 5 else "mon-fri"
    rule("night", hours=f"{others} 00:00-23:59", kinds=["auth.login"])
    rule("day", hours=f"{today} 00:00-23:59", kinds=["auth.login"])
    happen("auth.login", DEV)

    assert found() == {("night", f"person {DEV}"): 1}


def test_a_database_that_somebody_has_not_used_is_found_but_not_the_first_of_all(happen):
    rule("database", kinds=["call.calling"], unused_days=30)

    def use(person, **arguments):
        happen("call.calling", person, server="db", tool="query", arguments=arguments)

    use(DEV, database="sales")
    use(DEV, database="sales")
    use(DEV, limit=5)
    use(ADA, db="payroll")
    assert found() == {}

    use(DEV, database="payroll")
    use(DEV, database="payroll")
    assert found() == {("database", f"person {DEV}"): 1}
    assert Incident.objects.get().detail == {"database": "payroll"}


def test_a_server_that_is_down_is_an_incident_until_it_is_up(happen):
    rule("down", kind="server_down")
    happen("registry.health", outcome="ok", server="crm")
    assert found() == {}

    happen("registry.health", outcome="failed", server="crm")
    happen("registry.health", outcome="failed", server="files")
    states = Incident.objects.order_by("pk").values_list("cause", "state")
    assert [*states] == [("server crm", "open"), ("server files", "open")]

    happen("registry.health", outcome="ok", server="crm")
    assert [*states.all()] == [("server crm", "resolved"), ("server files", "open")]


def test_of_servers_those_are_looked_at_that_the_filters_name(happen):
    rule("down", kind="server_down", filters={"server": "crm"})
    for server in ("crm", "files"):
        happen("registry.health", outcome="failed", server=server)

    assert found() == {("down", "server crm"): 1}


def test_alerts_are_no_cause_of_alerts(happen):
    rule("everything", each="")
    happen("auth.login", DEV)
    happen("alert.raised")
    happen("alert.raised")

    assert found() == {("everything", ""): 1}


def test_a_rule_that_is_off_finds_nothing(happen):
    rule("off", enabled=False, each="")
    happen("auth.login", DEV)

    assert found() == {}


@pytest.mark.parametrize(
    "spoiled",
    [{"filters": {"user__password": "x"}}, {"hours": "never"}, {"filters": {"from": "1d"}}],
)
def test_a_rule_that_cannot_be_read_keeps_no_other_back(happen, caplog, spoiled):
    rule("a spoiled one", **spoiled)
    rule("b", each="")
    happen("auth.login", DEV)

    assert found() == {("b", ""): 1}
    assert "an alert rule cannot be read" in caplog.text


def test_watching_begins_with_what_is_sealed_from_now_on(happen):
    following.Follower.objects.all().delete()
    rule("all", each="")
    happen("auth.login", DEV, 3)
    assert found() == {}

    happen("auth.login", DEV, 2)
    assert found() == {("all", ""): 2}


def test_what_is_put_down_and_the_cursor_move_together(happen, monkeypatch):
    rule("all", each="")

    def dies(*_):
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(watching.incidents, "note", dies)
        with pytest.raises(RuntimeError):
            happen("auth.login", DEV, 2)
    assert (found(), following.behind(watching.FOLLOWER)) == ({}, 1)

    watching.watch()
    assert found() == {("all", ""): 2}


@pytest.mark.django_db(transaction=True)
def test_of_several_that_watch_at_once_each_entry_counts_once():
    rule("all", kinds=["auth.login"], each="")
    following.start_again(watching.FOLLOWER)
    for _ in range(6):
        record.write_many(record.prepare("auth.login", "ok") for _ in range(5))
        seal.seal_once()
    failed = []

    def watch():
        try:
            watching.watch()
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    watchers = [threading.Thread(target=watch) for _ in range(4)]
    for one in watchers:
        one.start()
    for one in watchers:
        one.join()
    watching.watch()

    assert (failed, found()) == ([], {("all", ""): 30})
    assert Entry.objects.filter(kind="alert.raised").count() == 1
