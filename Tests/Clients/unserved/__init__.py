"""Programs, one a client library, that each ask for something which Varve does not serve.

    python PROGRAM SCENARIO HOST:PORT TOPIC

A program of its own, because a client may crash, and because the library's version comes from PYTHONPATH.
The last line on standard output is `outcome.report`'s.
"""
