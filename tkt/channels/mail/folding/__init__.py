"""Which lines of a mail are the writer's own, which are quoted, which are a signature: `quotes` decides, by
`quoted_lines` and `signatures`, with the words of many languages in `quote_marks`, `signature_marks`, `footer_marks`.
"""
