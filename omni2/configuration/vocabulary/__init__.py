"""The keys of the company's files: what each takes, and where it is applied or why it is not."""

from omni2.configuration.shapes import Section
from omni2.configuration.vocabulary.people import PEOPLE
from omni2.configuration.vocabulary.policy import POLICY
from omni2.configuration.vocabulary.servers import SERVERS
from omni2.configuration.vocabulary.settings import SETTINGS
from omni2.configuration.vocabulary.slack import SLACK
from omni2.configuration.vocabulary.threading import THREADING

# By the name of the file, in the order in which the files are applied.
VOCABULARIES: dict[str, Section] = {
    "users.yaml": PEOPLE,
    "mcps.yaml": SERVERS,
    "slack.yaml": SLACK,
    "threading.yaml": THREADING,
    "settings.yaml": SETTINGS,
}

# A change of the policy alone, for `import_policy`; the files above say the same and more.
DRAFT = "policy.yaml"
ALL_VOCABULARIES: dict[str, Section] = {**VOCABULARIES, DRAFT: POLICY}
