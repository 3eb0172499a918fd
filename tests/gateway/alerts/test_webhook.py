"""The signature of a message: as Standard Webhooks reckons it."""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet

from audit.record import Who
from gateway.alerts import webhook
from gateway.models import Destination
from registry import credentials, rotation

# The example of the specification's reference libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_example_of_the_specification_is_signed_as_it_says():
    signed = webhook.signed(BODY, id=ID, secret=SECRET, at=AT)

    assert signed == {
        "webhook-id": ID,
        "webhook-timestamp": str(AT),
        "webhook-signature": SIGNATURE,
    }


def test_whoever_has_the_secret_can_check_a_message_and_nobody_else(settings):
    destination = Destination(name="hook")
    secret, other = webhook.new_secret(destination), webhook.new_secret(Destination(name="other"))
    signed = webhook.signed(BODY, id=ID, secret=secret)

    def reckoned(with_secret, body=BODY):
        key = base64.b64decode(with_secret.removeprefix("whsec_"))
        content = f"{ID}.{signed['webhook-timestamp']}.".encode() + body
        return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()

    assert signed["webhook-signature"] == reckoned(secret)
    assert signed["webhook-signature"] not in (reckoned(other), reckoned(secret, BODY + b" "))


def test_a_secret_is_long_new_each_time_and_stored_sealed():
    one = Destination(name="one")
    secrets = {webhook.new_secret(one) for _ in range(3)}

    assert (len(secrets), {len(base64.b64decode(s[6:])) for s in secrets}) == (3, {32})
    assert not any(secret[6:] in one.sealed for secret in secrets)
    assert credentials.unseal(one.sealed)["secret"] in secrets


def test_a_rotation_of_keys_takes_secrets_along(settings, db):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [old]
    hook = Destination(name="hook", url="https://8.8.8.8/")
    secret = webhook.new_secret(hook)
    hook.save()
    settings.ENCRYPTION_KEYS = [new, old]
    rotation.rotate(who=Who())
    settings.ENCRYPTION_KEYS = [new]

    hook.refresh_from_db()
    assert credentials.unseal(hook.sealed) == {"secret": secret}
