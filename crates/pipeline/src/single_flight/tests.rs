//! Without workers: a test takes and delivers in their place.

use std::sync::mpsc::Receiver;

use super::*;
use crate::counters::Stage;
use crate::ending::Ending;
use crate::observer::Observer;
use crate::part::Part;
use crate::ticket::{Report, testing};
use warmer_content::text_key;

fn wanted(text: &str) -> Wanted {
    Wanted { key: text_key(text), text: text.into(), size: 7 }
}

/// A batch that lacks the vectors of these texts.
pub(crate) fn batch(part: Part, texts: &[&str]) -> Waiting {
    let step = step_of(part.ticket());
    let batch = Texts { missing: texts.iter().map(|text| wanted(text)).collect(), ..Texts::of(part) };
    Waiting { batch, permit: Permit::free(), step }
}

/// As the Embedder opens it.
fn step_of(ticket: &Arc<Ticket>) -> OpenStep {
    let waits = Doing::Wait(Wait::Session);
    OpenStep::begin(&Observer::default(), ticket, Stage::Embedder, Instant::now(), waits)
}

/// What a provider makes of a text.
pub(crate) fn embedding() -> Embedding {
    Embedding { vector: Vector::normalized(&[1.0, 2.0]), tokens: 3 }
}

/// The next text.
pub(crate) fn next(flight: &Arc<SingleFlight>) -> Option<Taken> {
    flight.take(CallLimits { texts: 1, size: u64::MAX }).pop()
}

fn lost(reports: &Receiver<Report>) -> bool {
    matches!(reports.try_recv().map(|report| report.ending), Ok(Ending::Lost(_)))
}

#[test]
fn a_text_that_two_jobs_want_is_taken_once_and_delivered_to_both() {
    let flight = SingleFlight::remembering(10);
    let ((one, first, _r1), (two, second, _r2)) = (testing::ticket(), testing::ticket());
    assert!(flight.admit(batch(first, &["a", "b"])).is_none());
    assert!(flight.admit(batch(second, &["b"])).is_none());
    let a = next(&flight).expect("a is wanted");
    let b = next(&flight).expect("b is wanted");
    assert!(next(&flight).is_none(), "both texts are taken");
    let complete = b.made(&embedding());
    assert_eq!(complete.len(), 1, "the second batch lacks nothing any more");
    assert_eq!(a.made(&embedding()).len(), 1);
    let counted = |ticket: &Ticket| {
        let counters = &ticket.counters;
        (counters.embedded.get(), counters.reused.get(), counters.tokens.get())
    };
    assert_eq!((counted(&one), counted(&two)), ((2, 0, 6), (0, 1, 0)), "tokens are the provider's");
    assert_eq!(two.counters.elsewhere.get(), 0, "it was in hand here");
    assert_eq!(flight.size(), (0, 0));
}

#[test]
fn a_recent_text_is_not_taken_again() {
    let flight = SingleFlight::remembering(1);
    let (_t, part, _r) = testing::ticket();
    assert!(flight.admit(batch(part.split(), &["a"])).is_none());
    let _first = next(&flight).expect("wanted").made(&embedding());
    let back = flight.admit(batch(part.split(), &["a"])).expect("a is remembered");
    assert_eq!(back.batch.vectors.len(), 1);
    assert!(flight.admit(batch(part.split(), &["b"])).is_none());
    let _second = next(&flight).expect("wanted").made(&embedding());
    assert!(flight.admit(batch(part, &["a"])).is_none(), "only one text is remembered");
}

#[test]
fn cancelling_one_job_does_not_take_away_what_another_wants() {
    let flight = SingleFlight::remembering(10);
    let ((one, first, reports), (_two, second, _r2)) = (testing::ticket(), testing::ticket());
    assert!(flight.admit(batch(first, &["a", "b"])).is_none());
    assert!(flight.admit(batch(second, &["a"])).is_none());
    one.end(Ending::Cancelled("asked to".into()));
    let a = next(&flight).expect("the second job wants it");
    assert_eq!(a.made(&embedding()).len(), 1);
    assert!(next(&flight).is_none(), "nobody wants b any more");
    assert!(matches!(reports.try_recv().expect("its batch left").ending, Ending::Cancelled(_)));
    assert_eq!(flight.size(), (0, 0));
}

#[test]
fn a_text_that_kills_two_workers_is_given_up_and_its_batch_goes_on() {
    let flight = SingleFlight::remembering(10);
    let (_ticket, part, reports) = testing::ticket();
    assert!(flight.admit(batch(part, &["a"])).is_none());
    drop(next(&flight).expect("wanted"));
    drop(next(&flight).expect("it went back once"));
    assert!(next(&flight).is_none());
    let stranded = flight.stranded();
    assert_eq!(stranded.len(), 1);
    assert_eq!(stranded[0].batch.failed, [(text_key("a"), SkipReason::Panicked)]);
    drop(stranded);
    assert!(lost(&reports));
}

#[test]
fn one_call_takes_as_many_texts_as_it_may_and_their_order_is_kept() {
    let flight = SingleFlight::remembering(10);
    let (_t, part, _r) = testing::ticket();
    assert!(flight.admit(batch(part, &["a", "b", "c", "d", "e"])).is_none());
    let texts = |taken: &[Taken]| taken.iter().map(|taken| &*taken.wanted.text).collect::<String>();
    // Each has the size seven.
    let two = flight.take(CallLimits { texts: 3, size: 20 });
    let three = flight.take(CallLimits { texts: 3, size: 21 });
    assert_eq!((texts(&two), texts(&three)), ("ab".to_owned(), "cde".to_owned()));
    drop(three.into_iter().map(|taken| taken.made(&embedding())).collect::<Vec<_>>());
    let one_too_large = flight.take(CallLimits { texts: 3, size: 1 });
    assert!(one_too_large.is_empty(), "the others are taken");
}

#[test]
fn a_text_that_failed_in_company_is_taken_alone_and_its_company_is_not_given_up() {
    let flight = SingleFlight::remembering(10);
    let most = CallLimits { texts: 3, size: u64::MAX };
    let (_ticket, part, _r) = testing::ticket();
    assert!(flight.admit(batch(part, &["a", "bad", "c"])).is_none());
    drop(flight.take(most));
    let mut complete = vec![];
    for _ in 0..3 {
        let mut taken = flight.take(most);
        assert_eq!(taken.len(), 1);
        let text = taken.remove(0);
        let bad = &*text.wanted.text == "bad";
        complete.extend(if bad { text.failed(SkipReason::TooSlow) } else { text.made(&embedding()) });
    }
    assert_eq!(complete.len(), 1);
    assert_eq!(complete[0].batch.failed, [(text_key("bad"), SkipReason::TooSlow)]);
}

#[test]
fn a_text_that_is_put_back_is_not_blamed_however_often() {
    let flight = SingleFlight::remembering(10);
    let (_ticket, part, _r) = testing::ticket();
    assert!(flight.admit(batch(part, &["a", "b"])).is_none());
    for _ in 0..10 {
        next(&flight).expect("wanted").put_back();
    }
    let first = next(&flight).expect("wanted");
    assert_eq!(&*first.wanted.text, "a", "it comes before all others");
    assert!(first.made(&embedding()).is_empty());
    let complete = next(&flight).expect("wanted").made(&embedding());
    assert!(complete[0].batch.failed.is_empty());
}

#[test]
fn a_sweep_lets_go_of_jobs_that_are_over_and_keeps_what_others_want_or_hold() {
    let flight = SingleFlight::remembering(10);
    let ((one, first, reports), (two, second, _r2)) = (testing::ticket(), testing::ticket());
    assert!(flight.admit(batch(first, &["held", "a", "b"])).is_none());
    assert!(flight.admit(batch(second, &["a"])).is_none());
    let held = next(&flight).expect("wanted");
    one.end(Ending::Cancelled("asked to".into()));
    let left: Vec<_> = flight.sweep().iter().map(|ticket| ticket.claim.id).collect();
    assert_eq!(left, [two.claim.id]);
    assert!(matches!(reports.try_recv().expect("its batch left").ending, Ending::Cancelled(_)));
    assert_eq!(flight.size(), (2, 1), "a is wanted, and the other is taken");
    assert!(held.made(&embedding()).is_empty());
    assert_eq!(next(&flight).expect("wanted").made(&embedding()).len(), 1);
    assert_eq!(flight.size(), (0, 0));
}

#[test]
fn what_was_just_published_goes_before_the_bulk_and_a_text_of_both_is_taken_once() {
    let flight = SingleFlight::remembering(10);
    let ((_bulk, bulk, _r1), (_new, new, _r2)) = (testing::fill(Lane::Bulk), testing::fill(Lane::New));
    assert!(flight.admit(batch(bulk, &["a", "b", "both"])).is_none());
    assert!(flight.admit(batch(new, &["c", "both"])).is_none());
    let taken = flight.take(CallLimits { texts: 9, size: u64::MAX });
    let texts: Vec<&str> = taken.iter().map(|taken| &*taken.wanted.text).collect();
    assert_eq!(texts, ["c", "both", "a", "b"]);
    let complete: Vec<_> = taken.into_iter().flat_map(|taken| taken.made(&embedding())).collect();
    assert_eq!((complete.len(), flight.size()), (2, (0, 0)));
    assert!(next(&flight).is_none());
}

#[test]
fn a_text_that_another_instance_stored_is_delivered_without_a_vector() {
    let flight = SingleFlight::remembering(10);
    let (ticket, part, _r) = testing::fill(Lane::New);
    assert!(flight.admit(batch(part, &["a"])).is_none());
    let complete = next(&flight).expect("wanted").stored();
    assert!(complete[0].batch.vectors.is_empty() && complete[0].batch.failed.is_empty());
    let counters = &ticket.counters;
    assert_eq!((counters.embedded.get(), counters.reused.get(), counters.elsewhere.get()), (0, 1, 1));
}

#[test]
fn in_each_lane_the_jobs_have_turns_so_that_one_text_does_not_wait_for_all_of_another_job() {
    for lane in [Lane::New, Lane::Bulk] {
        let flight = SingleFlight::remembering(10);
        let [(_t1, long, _r1), (_t2, short, _r2), (_t3, third, _r3)] = [(); 3].map(|()| testing::fill(lane));
        assert!(flight.admit(batch(long.split(), &["a", "b"])).is_none());
        assert!(flight.admit(batch(long, &["c"])).is_none());
        assert!(flight.admit(batch(short, &["x"])).is_none());
        assert!(flight.admit(batch(third, &["y", "z"])).is_none());
        // Who drops a batch loses its job.
        let mut complete = vec![];
        let order = std::iter::from_fn(|| {
            let taken = next(&flight)?;
            let text = taken.wanted.text.to_string();
            complete.extend(taken.made(&embedding()));
            Some(text)
        });
        assert_eq!(order.collect::<Vec<_>>(), ["a", "x", "y", "b", "z", "c"], "{lane}");
    }
}
