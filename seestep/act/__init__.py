"""Act: the household domain - verbs, predicates, symbolic state, executor, goals and expert search.

Everything here is plain Python over frozen structs: no arrays, no simulator. The simulators of
``world`` are the truth that it is tested against.
"""
