//! W-13: a vector is a function of its text and `embedding_id` alone.

use std::thread;

use crate::kit::{self, Real, cosine, embed};

/// The largest cosine distance between the vectors of the same texts made in two ways.
fn apart(a: &[Vec<f32>], b: &[Vec<f32>]) -> f64 {
    a.iter().zip(b).map(|(a, b)| 1.0 - cosine(a, b)).fold(0.0, f64::max)
}

#[test]
fn w_13_companions_sessions_and_threads_do_not_change_a_vector() {
    let Some(real) = Real::find() else { return };
    let texts = kit::code();
    let alone: Vec<_> = {
        let mut session = real.session(1);
        texts.iter().map(|text| embed(&mut session, text)).collect()
    };
    let mut other = real.session(1);
    let mut backwards: Vec<_> = texts.iter().rev().map(|text| embed(&mut other, text)).collect();
    backwards.reverse();
    let [mut first, mut second] = real.sharing_sessions();
    let both = texts.iter().enumerate().map(|(n, text)| embed(if n % 2 == 0 { &mut first } else { &mut second }, text));
    let sharing: Vec<_> = both.collect();
    let mut threads = real.session(2);
    let threaded: Vec<_> = texts.iter().map(|text| embed(&mut threads, text)).collect();
    let among_others = apart(&alone, &backwards);
    let shared = apart(&alone, &sharing);
    let two_threads = apart(&alone, &threaded);
    kit::say(&format!(
        "W-13, {} texts: another session and other companions {among_others:.1e}, shared weights {shared:.1e}, two \
         threads {two_threads:.1e}",
        texts.len()
    ));
    assert!(among_others < 1e-4 && shared < 1e-4 && two_threads < 1e-4);
}

#[test]
fn two_sessions_work_at_the_same_time() {
    let Some(real) = Real::find() else { return };
    let texts = kit::code();
    let work = || {
        let mut session = real.session(1);
        texts.iter().map(|text| embed(&mut session, text)).collect::<Vec<_>>()
    };
    let alone = work();
    let (one, two) = thread::scope(|scope| {
        let (one, two) = (scope.spawn(work), scope.spawn(work));
        (one.join().unwrap(), two.join().unwrap())
    });
    assert!(apart(&alone, &one) < 1e-4 && apart(&alone, &two) < 1e-4);
}
