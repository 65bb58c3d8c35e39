//! Figures of fills, not promises: `cargo test -p warmer-store --release -- --ignored --nocapture speed_of_fills`.

#![expect(clippy::print_stdout, reason = "the figures are the point")]

use std::time::{Duration, Instant};

use super::Bench;
use super::fixture::*;
use crate::*;

const FILES: usize = 12_000;
const CHUNKS_PER_FILE: usize = 8;
const PAGE: u32 = 32;

/// A cold repository of 96,000 chunks: its publication, pages of it, vectors, a push beside
/// that, and what is asked of all.
pub(crate) async fn tell(bench: &Bench) {
    let repository = bench.repository("/a").await;
    let claim = bench.start(repository).await;
    let began = Instant::now();
    let numbers: Vec<_> = (0..FILES).collect();
    for numbers in numbers.chunks(32) {
        let text = |number| (0..CHUNKS_PER_FILE).map(|word| format!("w{number}x{word} ")).collect::<String>();
        let artifacts: Vec<_> = numbers.iter().map(|number| artifact(&text(number))).collect();
        let (chunking, symbols) = (recipe().chunking, Extracted::of(&[]));
        let put = Put { chunking, rules: rules(), artifacts: &artifacts, blobs: &[], symbols };
        bench.store.put(put).await.unwrap();
        let entries: Vec<_> = numbers.iter().map(|number| staged(&format!("f{number}"), &text(number))).collect();
        assert!(bench.store.stage(claim.id, &entries).await.unwrap());
    }
    took("put and stage, files", began, FILES);
    let began = Instant::now();
    let published = bench.store.publish(&publication(&claim, None, "c1")).await.unwrap();
    assert!(matches!(published, Published::Done { .. }));
    took("publish, files", began, FILES);
    let filter = ClaimFilter { kind: JobKind::Fill, ..ClaimFilter::default() };
    let claim = bench.store.claim(bench.instance().await, &filter).await.unwrap().expect("it is queued");
    pages(bench, &claim).await;

    bench.put("pushed ").await;
    let claim = bench.start(repository).await;
    bench.store.stage(claim.id, &[staged("pushed", "pushed ")]).await.unwrap();
    let began = Instant::now();
    bench.store.publish(&publication(&claim, Some("c1"), "c2")).await.unwrap();
    took("publish a push, files", began, 1);
    let began = Instant::now();
    let coverage = bench.coverage(repository).await;
    took("coverage of one", began, 1);
    assert!(coverage.missing > 0);
    let began = Instant::now();
    assert_eq!(bench.store.enqueue_fills(recipe().embedding, FillRequest::all(9)).await.unwrap(), 0);
    took("look for what has no fill", began, 1);
}

async fn pages(bench: &Bench, claim: &Claim) {
    let (mut reading, mut storing, mut after) = (Duration::ZERO, Duration::ZERO, None);
    let mut pages = 0;
    loop {
        pages += 1;
        let began = Instant::now();
        let page = bench.store.lacking(claim.id, after.as_ref(), PAGE).await.unwrap().expect("the claim stands");
        reading += began.elapsed();
        let texts = page.artifacts.iter().flat_map(|one| &one.texts);
        let vectors: Vec<_> = texts.map(|text| (*text, vectors("any ")[0].1.clone())).collect();
        let artifacts: Vec<_> = page.artifacts.iter().map(|one| one.artifact).collect();
        let embedding = recipe().embedding;
        let filled = Filled { embedding, vectors: &vectors, failed: &[], artifacts: &artifacts };
        let began = Instant::now();
        bench.store.put_vectors(filled).await.unwrap();
        storing += began.elapsed();
        after = page.last;
        if after.is_none() {
            break;
        }
    }
    let each = |all: Duration| all.as_secs_f64() * 1e3 / f64::from(pages);
    println!("{:>42}: {:.3} ms; its vectors {:.3} ms", "page of 32 artifacts", each(reading), each(storing));
}

fn took(what: &str, began: Instant, number: usize) {
    let seconds = began.elapsed().as_secs_f64();
    println!("{what:>42}: {number} in {:.3} ms", seconds * 1e3);
}
