"""From a mail server's folder into the store: `pulling` goes through the mailboxes, `sources` (`imap`, `folders`) gives
their messages, `intake` stores each and sees it through.
"""
