"""A message by e-mail, over the deployment's mail server."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email

from gateway.alerts import message
from gateway.alerts.webhook import NotTaken
from gateway.models.alerts import Notice

NOT_SET = "There is no mail server: set OMNI2_EMAIL_URL."


def addresses(text: str) -> list[str]:
    """The addresses of a text, one a line. Raises ValidationError for what is none."""
    found = [line.strip() for line in text.splitlines() if line.strip()]
    for one in found:
        try:
            validate_email(one)
        except ValidationError:
            raise ValidationError(f"{one[:100]!r} is no e-mail address.") from None
    return found


def send(notice: Notice) -> None:
    """Send the message once; its Message-ID is the same however often that is tried."""
    if not settings.EMAIL_URL:
        raise NotTaken(NOT_SET)
    domain = settings.EMAIL_FROM.rpartition("@")[2].strip(" >")
    EmailMessage(
        subject=message.subject(notice.message),
        body=message.text(notice.message),
        from_email=settings.EMAIL_FROM,
        to=addresses(notice.destination.addresses),
        headers={"Message-ID": f"<{notice.pk}@{domain}>", "Auto-Submitted": "auto-generated"},
    ).send()
