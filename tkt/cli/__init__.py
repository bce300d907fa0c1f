"""The command line: parse, call one verb of the desk, print.

`main` reads the command line and is the one place that catches errors; `context` opens the desk for a command; `output`
is the one place that prints. Each group of commands has its module; none of them imports the write side before it runs.
"""
