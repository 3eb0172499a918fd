"""A recorded question once more, against the results it got then: nothing leaves to any server.

`recording` reads it, `desk` answers its tool uses, `playing` lets the model take its turns,
`comparing` says what came out otherwise, `running` is the story with its record and its budget.
"""
