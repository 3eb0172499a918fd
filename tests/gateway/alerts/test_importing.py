"""Rules that a file asks for, as rows."""

from gateway.alerts import importing
from gateway.alerts.defining import check_rule
from gateway.alerts.importing import AlertSpec
from gateway.models import AlertRule


def test_every_rule_a_file_can_ask_for_can_be_held_against_the_record():
    specs = [importing.suspicious(name, enabled=True) for name in importing.SUSPICIOUS]
    specs += [importing.watching("Ada@Example.com"), importing.calling("drop_*")]
    for spec in [*specs, importing.newcomers()]:
        check_rule(AlertRule(name=spec.name, **spec.values))


def test_a_rule_of_the_file_gets_its_values_back_and_keeps_what_the_file_does_not_say():
    spec = AlertSpec("nights", {"count": 5})
    assert importing.apply([spec], origin="f.yaml") == ["alert rule nights: created"]
    AlertRule.objects.update(count=9, severity="critical")

    assert importing.apply([spec], origin="f.yaml") == ["alert rule nights: count changed"]
    row = AlertRule.objects.get()
    assert (row.count, row.severity) == (5, "critical")
    assert importing.apply([spec], origin="f.yaml") == []


def test_a_rule_of_the_same_name_by_another_stays():
    AlertRule.objects.create(name="nights", count=3)

    assert importing.apply([AlertSpec("nights", {"count": 5})], origin="f.yaml") == []
    assert importing.apply([], origin="f.yaml") == []
    assert AlertRule.objects.get().count == 3
