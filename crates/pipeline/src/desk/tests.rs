//! The desk without workers: a test takes and delivers in their place.

use std::sync::mpsc::Receiver;

use super::*;
use crate::ticket::{Part, Report, testing};
use warmer_content::{Artifact, Chunk, Content, Language, text_key};

fn wanted(text: &str) -> Wanted {
    let chunk = Chunk {
        start: 0,
        end: text.len() as u32,
        start_line: 1,
        end_line: 1,
        symbol: None,
        header: String::new(),
        tokens: 7,
        key: text_key(text),
    };
    let artifact = Artifact::of(Content::plain(text, Language::text()), vec![chunk]);
    Wanted { key: text_key(text), chunk: 0, artifact: Arc::new(artifact) }
}

fn batch(part: Part, texts: &[&str]) -> Waiting {
    let batch = Batch { missing: texts.iter().map(|text| wanted(text)).collect(), ..Batch::of(part) };
    Waiting { batch, place: Held::free() }
}

fn vector() -> Vector {
    Vector::normalized(&[1.0, 2.0])
}

fn lost(reports: &Receiver<Report>) -> bool {
    matches!(reports.try_recv().map(|report| report.ending), Ok(Ending::Lost(_)))
}

#[test]
fn a_text_that_two_jobs_want_is_taken_once_and_delivered_to_both() {
    let desk = Desk::remembering(10);
    let ((one, first, _r1), (two, second, _r2)) = (testing::ticket(), testing::ticket());
    assert!(desk.admit(batch(first, &["a", "b"])).is_none());
    assert!(desk.admit(batch(second, &["b"])).is_none());
    let a = desk.take().expect("a is wanted");
    let b = desk.take().expect("b is wanted");
    assert!(desk.take().is_none(), "both texts are in hand");
    let complete = b.made(&vector());
    assert_eq!(complete.len(), 1, "the second batch lacks nothing any more");
    assert_eq!(a.made(&vector()).len(), 1);
    assert_eq!((one.tally.embedded.get(), one.tally.reused.get()), (2, 0));
    assert_eq!((two.tally.embedded.get(), two.tally.reused.get()), (0, 1));
    assert_eq!(desk.size(), (0, 0));
}

#[test]
fn a_recent_text_is_not_taken_again() {
    let desk = Desk::remembering(1);
    let (_t, part, _r) = testing::ticket();
    assert!(desk.admit(batch(part.split(), &["a"])).is_none());
    let _first = desk.take().expect("wanted").made(&vector());
    let back = desk.admit(batch(part.split(), &["a"])).expect("a is remembered");
    assert_eq!(back.batch.vectors.len(), 1);
    assert!(desk.admit(batch(part.split(), &["b"])).is_none());
    let _second = desk.take().expect("wanted").made(&vector());
    assert!(desk.admit(batch(part, &["a"])).is_none(), "only one text is remembered");
}

#[test]
fn cancelling_one_job_does_not_take_away_what_another_wants() {
    let desk = Desk::remembering(10);
    let ((one, first, reports), (_two, second, _r2)) = (testing::ticket(), testing::ticket());
    assert!(desk.admit(batch(first, &["a", "b"])).is_none());
    assert!(desk.admit(batch(second, &["a"])).is_none());
    one.end(Ending::Cancelled("asked to".into()));
    let a = desk.take().expect("the second job wants it");
    assert_eq!(a.made(&vector()).len(), 1);
    assert!(desk.take().is_none(), "nobody wants b any more");
    assert!(matches!(reports.try_recv().expect("its batch left").ending, Ending::Cancelled(_)));
    assert_eq!(desk.size(), (0, 0));
}

#[test]
fn a_text_that_kills_two_workers_is_given_up_and_its_batch_goes_on() {
    let desk = Desk::remembering(10);
    let (ticket, part, reports) = testing::ticket();
    assert!(desk.admit(batch(part, &["a"])).is_none());
    drop(desk.take().expect("wanted"));
    drop(desk.take().expect("it went back once"));
    assert!(desk.take().is_none());
    let stranded = desk.stranded();
    assert_eq!(stranded.len(), 1);
    assert_eq!(ticket.failed_texts(), [(text_key("a"), SkipReason::Panicked)]);
    drop(stranded);
    assert!(lost(&reports));
}

#[test]
fn without_a_model_every_job_that_waits_ends() {
    let desk = Desk::remembering(10);
    let ((_one, first, r1), (_two, second, r2)) = (testing::ticket(), testing::ticket());
    assert!(desk.admit(batch(first, &["a"])).is_none());
    assert!(desk.admit(batch(second, &["a"])).is_none());
    desk.take().expect("wanted").refuse("no model");
    for reports in [r1, r2] {
        assert_eq!(reports.try_recv().expect("ended").ending, Ending::Refused("no model".into(), Alone::Unfit));
    }
    assert_eq!(desk.size(), (0, 0));
}
