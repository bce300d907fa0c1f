"""`tkt rule try`: what rules that are not in force yet would have done on the real history. Nothing is written.

A ticket's history is gone through as `tkt.sla.replaying` does; a tried rule is asked where it would have stood among
the rules that were at work then (`tkt.desk.firing` says when a rule fires). What it did itself stays done in the trial
until the history changes the same; nobody answers it, no other rule and no person: each rule is tried on what really
happened.
"""
