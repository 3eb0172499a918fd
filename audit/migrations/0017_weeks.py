"""Sums by week, made of those by day."""

from datetime import timedelta
from itertools import groupby

from django.db import migrations, models

KEY = ("dimension", "name", "within")
MERGED = ("call_latency", "question_latency")
AT_ONCE = 500


def add_weeks(apps, schema_editor):
    """One row for each week and name, of its days; they come together in this order."""
    rollups = apps.get_model("audit", "Rollup").objects.using(schema_editor.connection.alias)
    days = rollups.filter(granularity="day").order_by(*KEY, "start").iterator(AT_ONCE)
    weeks = []
    for (monday, *_), those in groupby(days, _week):
        weeks.append(_together(monday, those))
        if len(weeks) == AT_ONCE:
            rollups.bulk_create(weeks)
            weeks.clear()
    rollups.bulk_create(weeks)


def _week(day):
    monday = day.start - timedelta(days=day.start.weekday())
    return monday, *(getattr(day, name) for name in KEY)


def _together(monday, days):
    """The first day's row, with what the others hold added."""
    week = next(days)
    week.pk, week.granularity, week.start = None, "week", monday
    week._state.adding = True
    summed = {one.attname for one in week._meta.concrete_fields if one.attname not in KEY}
    summed -= {"id", "granularity", "start", *MERGED}
    for day in days:
        for name in summed:
            setattr(week, name, getattr(week, name) + getattr(day, name))
        for name in MERGED:
            total = getattr(week, name)
            for bucket, number in getattr(day, name).items():
                total[bucket] = total.get(bucket, 0) + number
    return week


def remove_weeks(apps, schema_editor):
    rollups = apps.get_model("audit", "Rollup").objects.using(schema_editor.connection.alias)
    rollups.filter(granularity="week").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0016_follower_erased"),
    ]

    operations = [
        migrations.AlterField(
            model_name="rollup",
            name="granularity",
            field=models.CharField(
                choices=[("hour", "Hour"), ("day", "Day"), ("week", "Week")], max_length=4
            ),
        ),
        migrations.RunPython(add_weeks, remove_weeks),
    ]
