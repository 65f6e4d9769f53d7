//! What the input of a network, or a layer, gives to others in a block of steps.
#![forbid(unsafe_code)]

use crate::events::Events;
use crate::real::Real;

/// In what form something is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// The same values at every step: a row per sample.
    Constant,
    /// Spikes: a row per sample and step.
    #[default]
    Spikes,
    /// Other values: a row per sample and step.
    Values,
}

/// What is given, without what is 0.
#[derive(Clone, Debug)]
pub(crate) struct Signal<F> {
    pub(crate) form: Form,
    /// The rows where these are spikes.
    pub(crate) spikes: Events,
    /// The rows where they are not.
    pub(crate) values: Events<(u32, F)>,
}

impl<F> Default for Signal<F> {
    fn default() -> Self {
        Signal {
            form: Form::default(),
            spikes: Events::default(),
            values: Events::default(),
        }
    }
}

impl<F: Real> Signal<F> {
    /// Forgets all rows, and changes the form.
    pub(crate) fn begin(&mut self, form: Form) {
        self.form = form;
        self.spikes.clear();
        self.values.clear();
    }

    /// Adds a row of values.
    #[inline(always)]
    pub(crate) fn push_values(&mut self, values: &[F]) {
        let events = values.iter().enumerate().filter(|(_, &value)| value != F::ZERO);
        self.values.extend(events.map(|(index, &value)| (index as u32, value)));
        self.values.end_row();
    }
}
