"""The demonstration desk: sample mails and a desk.toml, shipped as package data.

`mail/` holds raw mails (`mail/README.md` says what each is for and what to keep when changing them),
`desk.toml` a complete configuration for the desk that receives them. Both are originals written for this,
with addresses in domains reserved for examples only (RFC 2606, RFC 6761). Nothing here reads the mails into a
desk's store by being imported.
"""
