"""The ways in and out of the desk: mail first; later the web form, chat, phone and alerts.

A channel turns what the outside world sends into calls of the desk's verbs, and what waits in the outbox into
deliveries. It decides nothing about a ticket: who may, what changes and which clock runs is the desk's.
"""
