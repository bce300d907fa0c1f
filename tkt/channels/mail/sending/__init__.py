"""From the outbox to the mail server: `deliver` is the way, `outgoing` what a person can see and do of it."""
