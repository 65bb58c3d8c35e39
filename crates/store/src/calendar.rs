//! Moments by the calendar: cron expressions, and windows of the day, each by the clock of a time zone.
//!
//! One rule for the two nights on which a clock is changed: a moment that does not exist comes once, just after the
//! gap; one that exists twice comes once, the first time. Save what comes in every hour: that goes on by the hour.

mod cron;
mod field;
mod window;
mod zone;

pub use cron::Cron;
pub use window::Window;
