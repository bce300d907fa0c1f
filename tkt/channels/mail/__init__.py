"""The mail gateway: messages in, tickets and entries out, and the way back. Its specification is `gateway`.

- `receiving`  a server's folder -> stored messages: `pulling` fetches from `sources` (or puts aside: `withheld`), at
               once where the server says so (`idle`), else by the `timetable`; `intake` stores each and sees it
               through; `quarantine` holds what could not be read or filed
- `reading`    bytes -> `ParsedMail`, pure functions: `parse` is the one entry point, `watchdog` has it done by a
               process of its own (`reader`), within limits
- `filing`     a mail that was read -> a ticket, an entry or a note: `thread` says which ticket, `senders` who wrote,
               `staff_mail` what colleagues may, `copies` whom else it concerns, `undelivered` what a report does
- `sending`    the outbox -> a mail server: `deliver` takes mails in turn (`claiming`, `collecting`), writes (`compose`,
               `dkim`), sends (`smtp`) and records what became of them (`recording`); `outgoing` tells what has not left
- `folding`    which lines are the writer's own, which are quoted, which are a signature: `quotes`
- `archive`    years of kept mail -> closed tickets: `importing`

Here stand what they share: the desk's `mailboxes`, their `status`, and `probe`, which tries one step by step.
"""
