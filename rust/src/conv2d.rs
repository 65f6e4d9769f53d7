//! Convolutions (cross-correlations, as in PyTorch): the events under each window of the image, and their dense sums.
//!
//! The events of a window, listed by channel, kernel row and kernel column, are those of a dense layer whose inputs are
//! the elements under a window. So the currents of its output channels have the order of terms that the contract gives,
//! and are summed side by side.
#![forbid(unsafe_code)]

use std::ops::Range;

use crate::dense::{Dense, LANES};
use crate::image;
use crate::kernel::Event;
use crate::real::Real;
use crate::shape::{Taps, Window};

/// How many windows are worked on at a time, and how many events under them: their lists stay in the near caches.
const WINDOWS: usize = 256;
const EVENTS: usize = 1 << 20;

/// Lists of the events under windows.
#[derive(Clone, Debug)]
pub(crate) struct Windows<E> {
    /// As many places for each window.
    events: Vec<E>,
    places: usize,
    /// Where the list of each window ends.
    ends: Vec<usize>,
}

impl<E> Default for Windows<E> {
    fn default() -> Self {
        Windows {
            events: Vec::new(),
            places: 0,
            ends: Vec::new(),
        }
    }
}

impl<E: Copy> Windows<E> {
    /// Empties the lists of so many windows, each with so many places; `filler` fills places that are new.
    #[inline(always)]
    fn begin(&mut self, windows: usize, places: usize, filler: E) {
        self.places = places;
        if self.events.len() < windows * places {
            self.events.resize(windows * places, filler);
        }
        self.ends.clear();
        self.ends.extend((0..windows).map(|window| window * places));
    }

    /// The list of each window.
    #[inline(always)]
    fn lists(&self) -> impl Iterator<Item = &[E]> {
        let ends = self.ends.iter().enumerate();
        ends.map(|(window, &end)| &self.events[window * self.places..end])
    }
}

/// Neighbouring windows: rows of them, and a part of each row, which is the whole one where there are several.
#[derive(Clone, Debug)]
struct Band {
    rows: Range<usize>,
    columns: Range<usize>,
}

/// A convolution with its weights, over images of a given shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv2d<F> {
    input: [usize; 3],
    output: [usize; 3],
    window: Window,
    /// The weights of each group of channels: of the group's outputs for the elements under a window.
    groups: Vec<Dense<F>>,
    rows: Taps,
    columns: Taps,
}

/// Memory of a convolution that is used again.
#[derive(Clone, Debug)]
pub(crate) struct Scratch<F> {
    /// The first event of each row of the image, channel after channel, and the number of events.
    pub(crate) starts: Vec<usize>,
    /// The sums of the windows at hand, each with those of all its output channels.
    sums: Vec<F>,
}

impl<F> Default for Scratch<F> {
    fn default() -> Self {
        Scratch {
            starts: Vec::new(),
            sums: Vec::new(),
        }
    }
}

impl<F: Real> Conv2d<F> {
    /// Packs the weights `weight(output, place)`, where `place` counts the elements under a window by channel of the
    /// group, row and column. The window fits into the image, the groups divide the channels.
    pub(crate) fn pack(
        input: [usize; 3],
        output: [usize; 3],
        window: Window,
        groups: usize,
        weight: impl Fn(usize, usize) -> F,
    ) -> Self {
        let places = input[0] / groups * (window.kernel[0] * window.kernel[1]) as usize;
        let outputs = output[0] / groups;
        let dense = |group: usize| Dense::pack(outputs, Some(places), |o, place| weight(group * outputs + o, place));
        Conv2d {
            input,
            output,
            window,
            groups: (0..groups).map(dense).collect(),
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

    /// The number of groups of channels.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// The weight of an element under a window, counted by channel of the group, row and column, for an output channel.
    pub fn weight(&self, output: usize, place: usize) -> F {
        let outputs = self.output[0] / self.groups.len();
        self.groups[output / outputs].weight(output % outputs, place)
    }

    /// The number of elements under a window.
    pub fn places(&self) -> usize {
        self.groups[0].inputs().unwrap_or(0)
    }

    /// The currents of all outputs that events cause; false where it was not to go on.
    #[inline(always)]
    pub(crate) fn add_up<E: Event<F>>(
        &self,
        events: &[E],
        windows: &mut Windows<E>,
        scratch: &mut Scratch<F>,
        currents: &mut [F],
        go_on: &dyn Fn() -> bool,
    ) -> bool {
        let [_, height, width] = self.output;
        image::row_starts(self.input, events, &mut scratch.starts);
        let Some(&filler) = events.first() else {
            currents[..self.output.iter().product()].fill(F::ZERO);
            return true;
        };
        let most = self.places().min(events.len());
        let columns = (EVENTS / most).clamp(1, width);
        let rows = (WINDOWS.min(EVENTS / most) / width).clamp(1, height);
        let firsts = (0..height)
            .step_by(rows)
            .flat_map(|row| (0..width).step_by(columns).map(move |column| (row, column)));
        for (row, column) in firsts {
            if !go_on() {
                return false;
            }
            let band = Band {
                rows: row..height.min(row + rows),
                columns: column..width.min(column + columns),
            };
            for (group, dense) in self.groups.iter().enumerate() {
                windows.begin(band.rows.len() * band.columns.len(), most, filler);
                self.list(group, &band, events, &scratch.starts, windows);
                scratch.sums.resize(windows.ends.len() * dense.stride(), F::ZERO);
                for (start, lanes) in dense.tiles() {
                    for (events, sums) in windows.lists().zip(scratch.sums.chunks_exact_mut(dense.stride())) {
                        let sums = &mut sums[start..][..lanes * LANES];
                        dense.add_up_tile((start, lanes), events, sums);
                    }
                }
                self.spread(group, row * width + column, windows.ends.len(), &scratch.sums, currents);
            }
        }
        true
    }

    /// Lists the events of a group under each window of a band, ascending by channel, kernel row and column.
    #[inline(always)]
    fn list<E: Event<F>>(&self, group: usize, band: &Band, events: &[E], starts: &[usize], windows: &mut Windows<E>) {
        let [channels, height, width] = self.input;
        let channels = channels / self.groups.len();
        let [kernel_height, kernel_width] = self.window.kernel;
        let seen = self.rows_under(&band.rows);
        let across = band.columns.len();
        for channel in 0..channels {
            for y in seen.clone() {
                let row = (group * channels + channel) * height + y;
                let events = &events[starts[row]..starts[row + 1]];
                if events.is_empty() {
                    continue;
                }
                let under = self.rows.of(y).map(|(at, i)| (at as usize, u64::from(i)));
                for (at, i) in under.filter(|(at, _)| band.rows.contains(at)) {
                    let ends = &mut windows.ends[(at - band.rows.start) * across..][..across];
                    let place = ((channel as u64 * kernel_height + i) * kernel_width) as u32;
                    for event in events {
                        for (at, j) in self.columns.of(event.input() - row * width) {
                            // A window before the band wraps around, and is not in it either.
                            if let Some(end) = ends.get_mut((at as usize).wrapping_sub(band.columns.start)) {
                                windows.events[*end] = event.at(place + j);
                                *end += 1;
                            }
                        }
                    }
                }
            }
        }
    }

    /// The rows of the image that windows of a band can see.
    fn rows_under(&self, band: &Range<usize>) -> Range<usize> {
        let Window {
            kernel,
            stride,
            padding,
            dilation,
        } = self.window;
        let place = |at: usize| at as u64 * stride[0];
        let first = place(band.start).saturating_sub(padding[0]);
        let end = (place(band.end - 1) + dilation[0] * (kernel[0] - 1) + 1).saturating_sub(padding[0]);
        first as usize..end.min(self.input[1] as u64) as usize
    }

    /// Puts the sums of windows from `first` on to where they belong: channel after channel.
    #[inline(always)]
    fn spread(&self, group: usize, first: usize, windows: usize, sums: &[F], currents: &mut [F]) {
        let dense = &self.groups[group];
        let area = self.output[1] * self.output[2];
        for output in 0..dense.outputs() {
            let channel = group * dense.outputs() + output;
            let currents = &mut currents[channel * area + first..][..windows];
            let column = sums[output..].iter().step_by(dense.stride());
            for (current, &sum) in currents.iter_mut().zip(column) {
                *current = sum;
            }
        }
    }
}

impl Conv2d<f64> {
    /// The same convolution, each weight rounded once.
    pub(crate) fn rounded<F: Real>(&self) -> Conv2d<F> {
        let groups = self.groups.len();
        Conv2d::pack(self.input, self.output, self.window, groups, |output, place| {
            F::from_binary64(self.weight(output, place))
        })
    }
}
