"""Looking deeper: what failed again, traces, experiments that vary one thing, and what others answered.

`review` leads the second look of a run; what it means is `netcheck.diagnosis`'s, which sends nothing.
"""
