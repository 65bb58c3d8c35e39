//! Stopping an embedding from another thread.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use warmer_embedding::{EmbedError, Terminator};

use crate::{kit, toy};

#[test]
fn a_raised_terminator_ends_a_run_that_would_never_end() {
    // Opening embeds "warm", row 4 of the toy's table: that ends.
    let directory = toy::directory(&toy::endless_unless(4));
    let Some(session) = toy::open(directory.path()) else { return };
    let mut session = session.unwrap();
    let (stop, other) = (Terminator::default(), Terminator::default());
    let (done, ended) = mpsc::channel();
    let theirs = stop.clone();
    let worker = thread::spawn(move || {
        done.send(session.embed("two", &theirs)).unwrap();
        session
    });
    while stop.running() == 0 {
        thread::yield_now();
    }
    stop.raise();
    assert_eq!(ended.recv_timeout(Duration::from_secs(60)).unwrap(), Err(EmbedError::Stopped));
    let mut session = worker.join().unwrap();
    assert_eq!(stop.running(), 0);
    assert_eq!(session.embed("warm", &stop), Err(EmbedError::Stopped), "a raised terminator refuses what comes later");
    assert_eq!(kit::embed(&mut session, "warm"), [1.0, 0.0, 0.0, 0.0], "the session is whole");
    assert_eq!(session.embed("warm", &other).map(|made| made.vector.dimensions()), Ok(4));
}
