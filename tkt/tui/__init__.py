"""The full-screen queue, made with Textual: screens, widgets, one command table.

It changes tickets only through the verbs of `tkt.desk` and reads through `tkt.store.read*`, both off the UI thread.
"""
