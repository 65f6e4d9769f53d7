"""What the tests of crash safety share: a system-call watcher, backends to kill, and a model of a crashing disk."""

from pathlib import Path

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
"""Where folders lie that are made and thrown away by the hundred: in memory, where that can be had, else as usual."""
