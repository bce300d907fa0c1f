"""Years of kept mail into closed tickets: `importing` out of `archives`, conversation by conversation
(`archive_index`), each onto its ticket (`archive_filing`).
"""
