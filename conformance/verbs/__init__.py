"""The verbs of the command line: each module has ``EXAMPLE``, ``configure(parser)``, ``execute(arguments)``."""
