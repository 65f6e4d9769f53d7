//! Shapes of what an input, a layer or a branch gives, and the windows that slide over images.
#![forbid(unsafe_code)]

use std::fmt;

/// The largest number of elements that a layer or a branch gives (`limits.elements`).
pub const MAX_ELEMENTS: u64 = 1 << 24;

/// The largest kernel, stride, padding, dilation and number of groups (`limits.extent`).
pub const MAX_EXTENT: u64 = 65_536;

/// The dimensions of an array of numbers, which stand in one flat list, the last index fastest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One dimension.
    Row(u64),
    /// Channels, height, width.
    Image([u64; 3]),
}

impl Shape {
    /// The number of elements; where it is beyond 64 bits, the largest such number.
    pub fn elements(self) -> u64 {
        match self {
            Shape::Row(width) => width,
            Shape::Image(lengths) => lengths.into_iter().fold(1, u64::saturating_mul),
        }
    }

    /// The number of entries of a bias: one per channel of an image, else one per element.
    pub fn channels(self) -> u64 {
        match self {
            Shape::Row(width) => width,
            Shape::Image([channels, _, _]) => channels,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Row(width) => write!(f, "({width})"),
            Shape::Image([channels, height, width]) => write!(f, "({channels}, {height}, {width})"),
        }
    }
}

/// How windows lie in an image; the first entries are vertical, the second ones horizontal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The number of elements under the window.
    pub kernel: [u64; 2],
    /// The distance between neighbouring windows.
    pub stride: [u64; 2],
    /// What is added on each side, and contributes nothing.
    pub padding: [u64; 2],
    /// The distance between neighbouring elements under the window.
    pub dilation: [u64; 2],
}

impl Window {
    /// The number of windows down and across an image of this height and width; none where not even one fits.
    pub fn slide(&self, lengths: [u64; 2]) -> Option<[u64; 2]> {
        Some([self.slide_along(0, lengths[0])?, self.slide_along(1, lengths[1])?])
    }

    fn slide_along(&self, axis: usize, length: u64) -> Option<u64> {
        let span = self.dilation[axis] * (self.kernel[axis] - 1) + 1;
        let room = (length + 2 * self.padding[axis]).checked_sub(span)?;
        Some(room / self.stride[axis] + 1)
    }
}

/// For each place along an axis of an image, the windows that see it, and as which of their elements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Taps {
    /// Where the pairs of each place begin.
    starts: Vec<usize>,
    /// Windows, and elements under them.
    pairs: Vec<(u32, u32)>,
}

impl Taps {
    /// The places of an axis `length` long, over which a window slides in `windows` steps.
    pub(crate) fn new(window: &Window, axis: usize, length: usize, windows: usize) -> Self {
        let (kernel, stride) = (window.kernel[axis], window.stride[axis]);
        let (padding, dilation) = (window.padding[axis], window.dilation[axis]);
        let mut taps = Taps {
            starts: vec![0],
            pairs: Vec::new(),
        };
        for place in 0..length as u64 {
            let place = place + padding;
            // The windows that begin at the place or before it, from the first that reaches as far.
            let first = place.saturating_sub(dilation * (kernel - 1)).div_ceil(stride);
            let last = (place / stride).min(windows as u64 - 1);
            for at in first..=last {
                let distance = place - at * stride;
                if distance % dilation == 0 {
                    taps.pairs.push((at as u32, (distance / dilation) as u32));
                }
            }
            taps.starts.push(taps.pairs.len());
        }
        taps
    }

    /// The windows that see a place, and as which of their elements.
    #[inline(always)]
    pub(crate) fn of(&self, place: usize) -> &[(u32, u32)] {
        &self.pairs[self.starts[place]..self.starts[place + 1]]
    }
}
