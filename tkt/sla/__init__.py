"""Promises in business time: calendars (pure arithmetic), policies, clocks and the check."""
