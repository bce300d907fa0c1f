"""What tkt costs, as ratios taken in one run on the same work; `make bench` prints them next to their aims.

`generate` makes large desks, the modules beside it measure one thing each, `run` puts the table together. Absolute
times say more about the machine than about tkt: only ratios are judged. Nothing here is part of the installed program.
"""
