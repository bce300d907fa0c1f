"""From a mail that was read to a ticket, an entry or a note: `filing` chooses the way, an `arrival` is what its helpers
hand each other.
"""
