"""Bytes to a mail that a program understands, every step a pure function without database or network.

- `parse`     any bytes -> `ParsedMail`, or `Unparseable` with its reason; the one entry point
- `mime`      bytes -> a tree of parts that share the message's memory
- `headers`   the fields of one part: folding, RFC 2047 words, RFC 2231 parameters, message identifiers, dates
- `addresses` `"Name" <box@example.com>` in every broken form
- `charsets`  bytes -> text, whatever the label claims; `scripts` tells unlabelled charsets by what comes out
- `bodies`    the text a person reads, the HTML beside it, the attachments; `collector` walks the parts for it and opens
              what wraps others: `secured` (S/MIME, PGP), `tnef` (winmail.dat) with `rtf`; `text_parts` reads one plain
              part, `calendars` sums up invitations, `file_names` makes names fit for any folder
- `html_text` HTML -> readable text: `html_layout` lays out blocks (`html_blocks`) and tables (`html_tables`),
              `html_css` tells what is hidden
- `classify`  mail that a machine sent, and why we think so; `bounces` (`bounce_texts`), `feedback` and `vacation` read
              what machines say
- `language`  which of the shipped template languages a text is written in

`watchdog` has all that done by a process of its own (`reader`), within limits of time and memory.
"""
