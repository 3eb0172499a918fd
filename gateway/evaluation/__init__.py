"""Questions as a regression suite: what must be called, said and not exceeded.

`cases` reads the file, `judging` holds an outcome against a case, `running` has outcomes made from
the recording or by asking, `report` shows them, `suggesting` makes cases of recorded questions.
"""
