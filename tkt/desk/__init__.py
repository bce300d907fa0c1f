"""The desk: every change to a ticket is one function here and one transaction.

`unit.Desk` is the unit of work. The verbs live by subject: `tickets` (create, set, assign, tag, status), `conversation`
(reply, note, receive), `undo`, `configure`, `people`. What follows from a change in the same transaction lives in
`reactions`, `rules` and `notices`. Interfaces and channels call verbs and nothing else.
"""
