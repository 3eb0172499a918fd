"""Alerts: rules read along with the record, one incident for each cause, told to destinations.

`watching` reads each sealed block once and finds what the rules look out for (`matching`, `hours`);
`spending` looks at the clock's pace. What is found becomes or renews an incident (`incidents`),
with its entry `alert.raised` and its messages in one transaction; `delivering` sends these by
`webhook` and `mail`. Whoever tells people elsewhere, such as in Slack, follows the record for
`alert.raised`.
"""
