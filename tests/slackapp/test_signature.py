import pytest

from slackapp.signature import fault, sign

SECRET, NOW, BODY = "made-up", 1_700_000_000, b"text=hello"
GOOD = sign(BODY, str(NOW), SECRET)


def check(**changed):
    usual = {"timestamp": str(NOW), "signature": GOOD, "secret": SECRET, "now": NOW}
    body = changed.pop("body", BODY)
    return fault(body, **usual | changed)


def test_signature_is_the_one_of_slacks_own_documentation():
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
        b"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )

    assert sign(body, "1531420618", "8f742231b10e8888abcd99yyyzzz85a5") == (
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    )


@pytest.mark.parametrize("now", [NOW, NOW + 300, NOW - 300])
def test_a_request_signed_within_five_minutes_is_believed(now):
    assert check(now=now) == ""


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"now": NOW + 301}, "signed 301 seconds ago by this machine's clock"),
        ({"now": NOW - 301}, "signed -301 seconds ago by this machine's clock"),
        ({"body": b"text=hullo"}, "the signature is not ours"),
        ({"body": b"\xff\xfe"}, "the signature is not ours"),
        ({"secret": "other"}, "the signature is not ours"),
        ({"timestamp": str(NOW - 1)}, "the signature is not ours"),
        ({"timestamp": ""}, "the timestamp is not a number"),
        ({"timestamp": "abc"}, "the timestamp is not a number"),
        ({"timestamp": "NaN"}, "the timestamp is not a number"),
        ({"timestamp": f"{NOW}.0"}, "the timestamp is not a number"),
        ({"timestamp": f" {NOW}"}, "the timestamp is not a number"),
        ({"timestamp": "٤٢"}, "the timestamp is not a number"),
        ({"timestamp": "9" * 5000}, "the timestamp is not a number"),
        ({"signature": ""}, "the signature has not the form of one"),
        ({"signature": GOOD + "é"}, "the signature has not the form of one"),
        ({"signature": GOOD.upper()}, "the signature has not the form of one"),
        ({"signature": GOOD + "\n"}, "the signature has not the form of one"),
        ({"signature": "v0=" + 64 * "0"}, "the signature is not ours"),
    ],
)
def test_anything_else_is_turned_away_with_its_reason(changed, why):
    assert check(**changed) == why
