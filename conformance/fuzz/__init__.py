"""Differential search: random requests near the edges of every rule, put to all backends and to the oracle.

``stream`` makes the n-th request of a seed out of the generators (``numbers``, ``texts``, ``documents``, ``networks``,
``poisson``, ``mutate``); ``worker`` asks the oracle beside the event loop; ``search`` feeds the backends and judges
what they answer; ``shrink`` makes what was found small, ``drafts`` makes cases of it. The generators know neither
backends nor judges.
"""
