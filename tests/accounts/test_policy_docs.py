import re
from pathlib import Path

from accounts.policy import Layer
from accounts.policy.rules import DATABASE_ARGUMENTS

PAGE = (Path(__file__).parents[2] / "docs/policy.md").read_text("utf-8")


def test_the_page_names_the_layers_in_the_order_they_are_asked():
    assert re.findall(r"^\| \d+ \| ([a-z ]+) \|", PAGE, re.M) == [str(layer) for layer in Layer]


def test_the_page_names_the_arguments_that_count_as_a_database():
    listed = re.search(r"Arguments called (.*?)\nmust", PAGE).group(1)
    assert re.findall(r"`(\w+)`", listed) == list(DATABASE_ARGUMENTS)
