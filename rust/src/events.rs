//! The spikes or values of several steps, one list after the other.
#![forbid(unsafe_code)]

/// Ascending indices for each row, where a row is a step of a sample; or indices with values.
///
/// Indices have 32 bits, since a wider layer fits no memory and narrow lists pass through the caches faster.
#[derive(Clone, Debug)]
pub(crate) struct Events<T = u32> {
    /// All rows.
    events: Vec<T>,
    /// The end of each row.
    ends: Vec<usize>,
}

impl<T> Default for Events<T> {
    fn default() -> Self {
        Events {
            events: Vec::new(),
            ends: Vec::new(),
        }
    }
}

impl<T> Events<T> {
    /// Forgets all rows.
    pub(crate) fn clear(&mut self) {
        self.events.clear();
        self.ends.clear();
    }

    /// Adds events to the row at hand.
    #[inline(always)]
    pub(crate) fn extend(&mut self, events: impl Iterator<Item = T>) {
        self.events.extend(events);
    }

    /// Ends the row at hand.
    #[inline(always)]
    pub(crate) fn end_row(&mut self) {
        self.ends.push(self.events.len());
    }

    /// The events of a row.
    #[inline(always)]
    pub(crate) fn row(&self, row: usize) -> &[T] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.events[start..self.ends[row]]
    }
}

impl Events {
    /// Adds the indices of the bits that are set, the lowest of each word first.
    #[inline(always)]
    pub(crate) fn extend_from_bits(&mut self, words: impl Iterator<Item = u64>) {
        for (index, mut bits) in words.enumerate() {
            while bits != 0 {
                self.events.push(index as u32 * 64 + bits.trailing_zeros());
                bits &= bits - 1;
            }
        }
    }

    /// Adds the indices of the bits that are set in bytes.
    #[inline(always)]
    pub(crate) fn extend_from_bytes(&mut self, bytes: &[u8]) {
        let word = |chunk: &[u8]| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_le_bytes(word)
        };
        self.extend_from_bits(bytes.chunks(8).map(word));
    }
}
