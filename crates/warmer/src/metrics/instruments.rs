//! What a metric is made by: its name, and how it is observed or counted.
//!
//! What is observed is asked for on the thread of who reads: a request of `/metrics`, or the export over OTLP. It may
//! read a file of the system or take a lock for a moment, and never waits for a database.

use opentelemetry::metrics::{AsyncInstrument, Counter, Histogram, Meter};

use super::names::Name;

/// Where values go that are observed.
pub(super) type To<'a, T> = &'a dyn AsyncInstrument<T>;

/// Makes instruments.
#[derive(Clone, Debug)]
pub(super) struct Instruments(Meter);

impl Instruments {
    pub(super) fn new(meter: Meter) -> Self {
        Self(meter)
    }

    /// What is counted where it happens.
    pub(super) fn counter(&self, name: &Name) -> Counter<u64> {
        self.0.u64_counter(name.name).with_unit(name.unit).with_description(name.says).build()
    }

    /// What is measured where it happens, in buckets with these upper bounds.
    pub(super) fn histogram(&self, name: &Name, bounds: &[f64]) -> Histogram<f64> {
        let histogram = self.0.f64_histogram(name.name).with_unit(name.unit).with_description(name.says);
        histogram.with_boundaries(bounds.to_vec()).build()
    }

    /// What is now, as a number of things.
    pub(super) fn gauge(&self, name: &Name, observe: impl Fn(To<'_, u64>) + Send + Sync + 'static) {
        let gauge = self.0.u64_observable_gauge(name.name).with_unit(name.unit).with_description(name.says);
        gauge.with_callback(observe).build();
    }

    /// What is now, as a time or a share.
    pub(super) fn share(&self, name: &Name, observe: impl Fn(To<'_, f64>) + Send + Sync + 'static) {
        let gauge = self.0.f64_observable_gauge(name.name).with_unit(name.unit).with_description(name.says);
        gauge.with_callback(observe).build();
    }

    /// What others have counted.
    pub(super) fn sum(&self, name: &Name, observe: impl Fn(To<'_, u64>) + Send + Sync + 'static) {
        let counter = self.0.u64_observable_counter(name.name).with_unit(name.unit).with_description(name.says);
        counter.with_callback(observe).build();
    }

    /// Times that others have summed.
    pub(super) fn time(&self, name: &Name, observe: impl Fn(To<'_, f64>) + Send + Sync + 'static) {
        let counter = self.0.f64_observable_counter(name.name).with_unit(name.unit).with_description(name.says);
        counter.with_callback(observe).build();
    }
}
