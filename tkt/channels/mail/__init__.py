"""The mail gateway: messages in, tickets and entries out, and the way back.

Reading a message is split by what each step knows, every step a pure function without database or network:

- `parse`     any bytes -> `ParsedMail`, or `Unparseable` with its reason; the one entry point
- `mime`      bytes -> a tree of parts that share the message's memory
- `headers`   the fields of one part: folding, RFC 2047 words, RFC 2231 parameters, message identifiers, dates
- `addresses` `"Name" <box@example.com>` in every broken form
- `charsets`  bytes -> text, whatever the label claims
- `bodies`    the text a person reads, the HTML beside it, the attachments
- `html_text` HTML -> readable text
- `classify`  mail that a machine sent, and why we think so; `bounces` reads delivery reports
- `quotes`    which lines are the writer's own, which are quoted, which are a signature
- `language`  which of the shipped template languages a text is written in
"""
