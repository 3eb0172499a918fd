"""What the policy gives and nobody used: changes that take it away and refuse no call.

A tool counts as used when a call of it was let through, or waited for a yes. What was used stays; a
name that stands without `*` or `?` was meant, and stays too. No use at all is no evidence that a
pattern should be another one. That somebody did not use a grant, a server or their role's tools
counts only where they had all the time to, and the record knows of all of it.

`used` reads who used what, `patterns`, `reach` and `roles` look for less, `draft` says it as
policy.yaml does, and `proof` rehearses that on the same calls. All but `used` is pure.
"""
