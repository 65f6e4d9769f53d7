"""What the tests of crash safety share: a system-call watcher, backends to be killed, and a model of a crashing disk."""
