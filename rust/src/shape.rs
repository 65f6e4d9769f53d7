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

/// The windows that see a place of an axis, and as which of their elements: both in equal steps, so that a list of them
/// takes no more room than its ends.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    /// The first window, and which of its elements the place is.
    window: u32,
    element: u32,
    count: u32,
}

/// For each place along an axis of an image, the windows that see it, and as which of their elements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Taps {
    seen: Vec<Seen>,
    /// From one window that sees a place to the next, and from its element back to that of the next.
    windows: u32,
    elements: u32,
}

impl Taps {
    /// The places of an axis `length` long, over which a window slides in `windows` steps.
    pub(crate) fn new(window: &Window, axis: usize, length: usize, windows: usize) -> Self {
        let (kernel, stride) = (window.kernel[axis], window.stride[axis]);
        let (padding, dilation) = (window.padding[axis], window.dilation[axis]);
        // Window w has elements at w * stride + i * dilation: every so many windows another one meets the same places.
        let period = dilation / greatest_common_divisor(stride, dilation);
        let mut of_residue = vec![None; dilation as usize];
        (0..period).for_each(|at| of_residue[(at * stride % dilation) as usize] = Some(at));
        let seen = |place: u64| {
            // The windows that begin at the place or before it, from the first that reaches as far.
            let first = place.saturating_sub(dilation * (kernel - 1)).div_ceil(stride);
            let last = (place / stride).min(windows as u64 - 1);
            let met = of_residue[(place % dilation) as usize];
            let met = met.map(|at| at + first.saturating_sub(at).next_multiple_of(period));
            match met.filter(|&at| at <= last) {
                None => Seen {
                    window: 0,
                    element: 0,
                    count: 0,
                },
                Some(at) => Seen {
                    window: at as u32,
                    element: ((place - at * stride) / dilation) as u32,
                    count: ((last - at) / period + 1) as u32,
                },
            }
        };
        Taps {
            seen: (0..length as u64).map(|place| seen(place + padding)).collect(),
            windows: period as u32,
            elements: (stride * period / dilation) as u32,
        }
    }

    /// The windows that see a place, and as which of their elements.
    #[inline(always)]
    pub(crate) fn of(&self, place: usize) -> impl Iterator<Item = (u32, u32)> {
        let (seen, windows, elements) = (self.seen[place], self.windows, self.elements);
        (0..seen.count).map(move |index| (seen.window + index * windows, seen.element - index * elements))
    }
}

fn greatest_common_divisor(mut one: u64, mut other: u64) -> u64 {
    while other > 0 {
        (one, other) = (other, one % other);
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taps_are_where_windows_see_a_place() {
        let numbers = |most: u64| (1..=most).flat_map(move |one| (1..=most).map(move |other| (one, other)));
        for ((kernel, stride), (padding, dilation)) in
            numbers(4).flat_map(|one| numbers(4).map(move |(other, dilation)| (one, (other - 1, dilation))))
        {
            let window = Window {
                kernel: [kernel; 2],
                stride: [stride; 2],
                padding: [padding; 2],
                dilation: [dilation; 2],
            };
            let Some(windows) = window.slide_along(1, 9) else {
                continue;
            };
            let taps = Taps::new(&window, 1, 9, windows as usize);
            for place in 0..9 {
                let pairs = (0..windows).flat_map(|at| (0..kernel).map(move |element| (at, element)));
                let due = pairs.filter(|(at, element)| at * stride + element * dilation == place + padding);
                let due: Vec<_> = due.map(|(at, element)| (at as u32, element as u32)).collect();
                assert_eq!(taps.of(place as usize).collect::<Vec<_>>(), due, "{window:?} {place}");
            }
        }
    }

    #[test]
    fn a_wide_window_takes_no_room() {
        let window = Window {
            kernel: [65_536; 2],
            stride: [1; 2],
            padding: [0; 2],
            dilation: [1; 2],
        };
        let taps = Taps::new(&window, 0, 1 << 20, (1 << 20) - 65_535);
        assert_eq!(taps.of(1 << 19).count(), 65_536);
    }
}
