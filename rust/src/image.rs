//! Events in images: where the rows of an image begin in a list of them.
#![forbid(unsafe_code)]

use crate::kernel::Event;

/// Finds the first of the ascending events of each row of an image, channel after channel, and after all their number.
#[inline(always)]
pub(crate) fn row_starts<F, E: Event<F>>([channels, height, width]: [usize; 3], events: &[E], starts: &mut Vec<usize>) {
    starts.clear();
    let mut at = 0;
    for row in 0..channels * height {
        starts.push(at);
        while at < events.len() && events[at].input() < (row + 1) * width {
            at += 1;
        }
    }
    starts.push(at);
}
