//! One stage: two workers behind a mailbox of four. A sender that finds it full waits; a message that makes its worker
//! panic costs that message alone; the drain works off what is inside.
//!
//! `cargo run --package warmer-supervision --example pool`

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use warmer_supervision::{Crash, Delivery, Ended, Limits, Line, Load, Mailbox, RestartLimits, Work};

/// What the stage takes: a text to count the letters of.
struct Text(&'static str);

impl Load for Text {
    fn bytes(&self) -> u64 {
        self.0.len() as u64
    }
}

/// The stage's work, shared by all its workers.
#[derive(Default)]
struct Letters {
    counted: AtomicUsize,
    crashes: AtomicUsize,
}

impl Work for Letters {
    type Message = Text;
    type State = ();

    fn state(&self) {}

    async fn handle(&self, (): &mut (), delivery: Delivery<Text>) -> Result<(), Crash> {
        let text = delivery.message.0;
        assert!(text.is_ascii(), "not ASCII: {text:?}");
        self.counted.fetch_add(text.chars().filter(char::is_ascii_alphabetic).count(), Ordering::Relaxed);
        // The permit is given back here; a stage with a next one keeps it until that has taken the result.
        drop(delivery.permit);
        Ok(())
    }

    fn crashed(&self, _: &Mailbox<Text>) {
        self.crashes.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example shows what came of it")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let restarts = RestartLimits {
        intensity: 5,
        period: Duration::from_secs(60),
        first_delay: Duration::from_millis(1),
        most_delay: Duration::from_secs(1),
    };
    let (mailbox, receiver) = Mailbox::new("letters", Limits { workers: 2, mailbox: 4, mailbox_bytes: 1 << 10 });
    let work = Arc::new(Letters::default());
    let line = Line::builder("line", restarts).stage(work.clone(), receiver, restarts).build();
    let root = line.tree().start().await?;
    for text in ["a mailbox", "has a bound;", "naïve", "its pool", "is restarted"] {
        mailbox.send(Text(text)).await?;
    }
    line.drain(Duration::from_secs(5)).await;
    assert_eq!(root.stop().await, Ended::Stopped);
    let (letters, crashes) = (work.counted.load(Ordering::Relaxed), work.crashes.load(Ordering::Relaxed));
    println!("{letters} letters in four texts, {crashes} crash");
    assert_eq!((letters, crashes), (35, 1));
    Ok(())
}

#[test]
fn the_example_runs() {
    main().expect("it checks itself");
}
