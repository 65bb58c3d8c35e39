//! A value of a key that each instance has for itself.

use std::fmt;

/// From the least to the most; of no instance 0.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spread(Option<(u64, u64)>);

impl Spread {
    /// Another instance has this.
    pub(super) fn add(&mut self, value: u64) {
        let (least, most) = self.0.unwrap_or((value, value));
        self.0 = Some((least.min(value), most.max(value)));
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.unwrap_or_default() {
            (least, most) if least == most => write!(f, "{least}"),
            (least, most) => write!(f, "{least} to {most}"),
        }
    }
}
