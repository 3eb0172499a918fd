import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def as_until_now(apps, schema_editor):
    """Until now every role of the map was taken for a claim's; of those that are there, it stays so."""
    users = apps.get_model('accounts', 'User').objects.filter(
        role__name__in=settings.OIDC_ROLES.values(),
        pk__in=apps.get_model('socialaccount', 'SocialAccount').objects.values('user'),
    )
    users.update(claimed_role=models.F('role'))


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0009_bounds_of_limits'),
        ('socialaccount', '0006_alter_socialaccount_extra_data'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='claimed_role',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.role'),
        ),
        migrations.RunPython(as_until_now, migrations.RunPython.noop),
    ]
