//! The spikes of several steps, one list after the other.
#![forbid(unsafe_code)]

/// Ascending indices for each row, where a row is a step of a sample.
#[derive(Clone, Debug, Default)]
pub(crate) struct Events {
    /// All rows; 32 bits, since a wider layer fits no memory and narrow lists pass through the caches faster.
    indices: Vec<u32>,
    /// The end of each row.
    ends: Vec<usize>,
}

impl Events {
    /// Forgets all rows.
    pub(crate) fn clear(&mut self) {
        self.indices.clear();
        self.ends.clear();
    }

    /// Adds the indices of the bits that are set, the lowest of each word first.
    #[inline(always)]
    pub(crate) fn extend_from_bits(&mut self, words: impl Iterator<Item = u64>) {
        for (index, mut bits) in words.enumerate() {
            while bits != 0 {
                self.indices.push(index as u32 * 64 + bits.trailing_zeros());
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

    /// Adds indices to the row at hand.
    #[inline(always)]
    pub(crate) fn extend(&mut self, indices: impl Iterator<Item = usize>) {
        self.indices.extend(indices.map(|index| index as u32));
    }

    /// Ends the row at hand.
    #[inline(always)]
    pub(crate) fn end_row(&mut self) {
        self.ends.push(self.indices.len());
    }

    /// The indices of a row.
    #[inline(always)]
    pub(crate) fn row(&self, row: usize) -> &[u32] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.indices[start..self.ends[row]]
    }
}
