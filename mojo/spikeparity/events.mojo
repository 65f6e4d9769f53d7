"""The spikes of several steps, one list after the other."""


struct Events(Copyable):
    """Ascending indices for each row, where a row is a step of a sample."""

    var indices: List[Int32]
    """All rows; 32 bits, since narrow lists pass through the caches faster."""
    var ends: List[Int]
    """The end of each row."""

    def __init__(out self):
        """Starts without rows."""
        self.indices = []
        self.ends = []

    def clear(mut self):
        """Forgets all rows."""
        self.indices.clear()
        self.ends.clear()

    def append(mut self, row: Span[Int, _]):
        """Adds a row.

        Args:
            row: Ascending indices.
        """
        var start = len(self.indices)
        self.indices.resize(start + len(row), 0)
        for k in range(len(row)):
            self.indices[start + k] = Int32(row[k])
        self.ends.append(len(self.indices))

    def append(mut self, row: Span[Int32, _]):
        """Adds a row.

        Args:
            row: Ascending indices.
        """
        self.indices.extend(row)
        self.ends.append(len(self.indices))

    def row(self, index: Int) -> Span[Int32, origin_of(self.indices)]:
        """Gives a row.

        Args:
            index: Its number.

        Returns:
            Its indices.
        """
        var start = 0 if index == 0 else self.ends[index - 1]
        return Span(self.indices)[start : self.ends[index]]
