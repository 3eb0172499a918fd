"""How the record leaves by itself: to a SIEM as it is sealed, to a folder period by period.

Each outlet follows the record (`audit.following`): what is sealed is sent at least once, in order,
and the cursor moves after it has arrived. `resting` keeps how an outlet fares, and lets one rest
that fails; `siem` sends, in the words of `ocsf`, to a `place`, by HTTP or by `syslog`;
`files` writes what `audit.archive` makes.
"""
