"""The history gone through again: `replay` makes a ticket's ledger from its events, with the code that follows a change
while it happens. `rebuild` holds the stored ledger against it, `simulate` asks what other policies would have made of
it.
"""
