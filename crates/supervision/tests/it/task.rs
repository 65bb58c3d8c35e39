//! A task that nobody supervises.

use std::fmt;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use warmer_supervision::spawn;

/// Keeps the fields of the events that are logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.lock().expect("no panic under the lock").push(format!("{field}={value:?}"));
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn the_panic_of_a_task_is_logged_under_its_name_and_reaches_who_waits_for_it() {
    let log = Log::default();
    let _logging = tracing::subscriber::set_default(log.clone());
    let error = spawn("clumsy", async { panic!("boom") }).await.expect_err("it panics");
    assert!(error.is_panic());
    let logged = log.0.lock().expect("no panic under the lock").join(" ");
    assert!(logged.contains("task=\"clumsy\"") && logged.contains("panicked: boom"), "{logged}");
    assert_eq!(spawn("skilled", async { 7 }).await.expect("it ends"), 7);
}
