"""Webhooks: the calls that the desk makes to other programs."""
