"""The query language: one way to say which tickets, in lists, views, rules, SLA policies and reports.

`language` reads text into a tree, `compile` turns a tree into SQL, `evaluate` answers for one ticket in
memory, `sort` reads orders, `listing` puts them together for a reader of the store. A test holds SQL and
memory to the same answers.
"""
