"""What got stuck between Slack and us is set going again, every few seconds, by the scheduler."""

from django.db.models import Q

from gateway import work
from gateway.models import Door, Question
from slackapp import tasks
from slackapp.models import Delivery, SeenRequest

AT_ONCE = 100


def sweep() -> int:
    """All of the below; how many things were set going or put away."""
    return take_up_forgotten() + deliver_pending() + forget_outdated()


def take_up_forgotten() -> int:
    """Start the commands that were acknowledged and then left lying."""
    ids = list(SeenRequest.objects.forgotten().values_list("pk", flat=True)[:AT_ONCE])
    for request_id in ids:
        work.start(tasks.take_up, request_id)
    return len(ids)


def deliver_pending() -> int:
    """Start the deliveries of finished questions whose answer has not reached Slack."""
    due = Delivery.objects.due().values("question_id")
    ids = list(
        Question.objects.filter(Q(slack_delivery=None) | Q(pk__in=due), door=Door.SLACK)
        .exclude(state__in=Question.UNFINISHED)
        .order_by("finished_at")
        .values_list("pk", flat=True)[:AT_ONCE]
    )
    for question_id in ids:
        work.start(tasks.deliver, question_id)
    return len(ids)


def forget_outdated() -> int:
    """Put away the requests that could not come back anyway."""
    return SeenRequest.objects.outdated().delete()[0]
