//! Average pools over images.
#![forbid(unsafe_code)]

use crate::image;
use crate::kernel::Event;
use crate::real::Real;
use crate::shape::{Taps, Window};

/// The mean of the elements under each window of an image of a given shape.
#[derive(Clone, Debug, PartialEq)]
pub struct AvgPool2d {
    input: [usize; 3],
    output: [usize; 3],
    window: Window,
    rows: Taps,
    columns: Taps,
}

impl AvgPool2d {
    /// A pool over images of the shape `input`, into which the window fits.
    pub(crate) fn new(input: [usize; 3], output: [usize; 3], window: Window) -> Self {
        AvgPool2d {
            input,
            output,
            window,
            rows: Taps::new(&window, 0, input[1], output[1]),
            columns: Taps::new(&window, 1, input[2], output[2]),
        }
    }

    /// Channels, height and width of the images that it takes.
    pub fn input(&self) -> [usize; 3] {
        self.input
    }

    /// Channels, height and width of what it gives.
    pub fn output(&self) -> [usize; 3] {
        self.output
    }

    /// How the kernel slides over an image.
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// The means of all windows that events cause; false where it was not to go on. Each window's elements are added row
    /// by row, then divided once.
    #[inline(always)]
    pub(crate) fn mean<F: Real, E: Event<F>>(
        &self,
        events: &[E],
        starts: &mut Vec<usize>,
        means: &mut Vec<F>,
        go_on: &dyn Fn() -> bool,
    ) -> bool {
        let [channels, height, width] = self.input;
        let [_, windows_down, windows_across] = self.output;
        image::row_starts(self.input, events, starts);
        means.clear();
        means.resize(self.output.iter().product(), F::ZERO);
        for channel in 0..channels {
            if !go_on() {
                return false;
            }
            for y in 0..height {
                let row = channel * height + y;
                let events = &events[starts[row]..starts[row + 1]];
                if events.is_empty() {
                    continue;
                }
                for (down, _) in self.rows.of(y) {
                    let first = (channel * windows_down + down as usize) * windows_across;
                    let sums = &mut means[first..][..windows_across];
                    for event in events {
                        for (across, _) in self.columns.of(event.input() - row * width) {
                            let sum = &mut sums[across as usize];
                            *sum = *sum + event.product(F::ONE);
                        }
                    }
                }
            }
        }
        // At most 2^24, so that both types of float hold it.
        let elements = F::from_binary64((self.window.kernel[0] * self.window.kernel[1]) as f64);
        means.iter_mut().for_each(|mean| *mean = *mean / elements);
        true
    }
}
