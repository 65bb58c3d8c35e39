//! What is written is what is read, and whatever the bytes are, reading them ends.

use proptest::prelude::*;
use warmer_content::{Vector, text_key};

use super::testing::{chunk, file};
use super::{FIELDS, Field, NewChunk, NewFile, Probe, Segment, SegmentWriter};

fn vectors() -> [Vector; 2] {
    [Vector::normalized(&[3.0, 4.0]), Vector::normalized(&[1.0, -1.0])]
}

fn files(vectors: &[Vector; 2]) -> Vec<NewFile<'_>> {
    let claim = NewChunk {
        header: "rust\nimpl Queue",
        symbol: Some("Queue::claim"),
        start_line: 3,
        end_line: 9,
        defines: vec!["claim", "Ticket"],
        ..chunk("fn claim(job: Job) { job.take() }", Some(&vectors[0]))
    };
    let rest = NewChunk { start_line: 10, end_line: 12, ..chunk("fn rest() {}", None) };
    let last = NewChunk { defines: vec!["Claim"], ..chunk("claim claim claim", Some(&vectors[1])) };
    vec![file("a/queue.rs", vec![claim, rest]), file("b.txt", vec![]), file("c.txt", vec![last])]
}

fn bytes() -> Vec<u8> {
    let (vectors, mut writer) = (vectors(), SegmentWriter::new());
    files(&vectors).iter().for_each(|file| writer.add(file));
    writer.drop_path("old.rs");
    writer.finish()
}

fn chunks_of(segment: &Segment, word: &str) -> Vec<(u32, [u16; FIELDS])> {
    segment.postings(word).into_iter().flatten().collect()
}

#[test]
fn files_and_chunks_are_read_as_they_were_written() {
    let segment = Segment::from_bytes(bytes()).unwrap();
    assert_eq!((segment.file_count(), segment.chunk_count(), segment.absent_count()), (3, 3, 1));
    let read: Vec<_> = (0..3).map(|number| segment.file(number)).collect();
    let paths: Vec<_> = read.iter().map(|file| (file.path, file.chunks.clone(), file.language)).collect();
    assert_eq!(paths, [("a/queue.rs", 0..2, "text"), ("b.txt", 2..2, "text"), ("c.txt", 2..3, "text")]);
    assert_eq!(read[0].artifact, file("a/queue.rs", vec![]).artifact);
    let first = segment.chunk(0);
    assert_eq!((first.file, first.number, first.start_line, first.end_line), (0, 0, 3, 9));
    assert_eq!((first.symbol, first.key), (Some("Queue::claim"), text_key("fn claim(job: Job) { job.take() }")));
    assert_eq!((segment.chunk(1).symbol, segment.chunk(1).number, segment.chunk(2).file), (None, 1, 2));
    assert_eq!(segment.gone().collect::<Vec<_>>(), ["old.rs"]);
    assert_eq!((segment.find("b.txt"), segment.find("b.rs"), segment.find("old.rs")), (Some(1), None, None));
}

#[test]
fn words_are_counted_field_by_field_and_names_in_any_case() {
    let segment = Segment::from_bytes(bytes()).unwrap();
    assert_eq!(chunks_of(&segment, "claim"), [(0, [1, 0, 1, 0]), (2, [3, 0, 0, 0])]);
    assert_eq!(chunks_of(&segment, "queue"), [], "it is looked up as it is indexed: without its ending");
    assert_eq!(chunks_of(&segment, "queu"), [(0, [0, 1, 1, 1]), (1, [0, 0, 0, 1])]);
    let job = segment.postings("job").unwrap();
    assert_eq!((job.len(), job.collect::<Vec<_>>()), (1, vec![(0, [3, 0, 0, 0])]));
    assert!(segment.postings("Job").is_none() && segment.postings("").is_none() && segment.postings("zzz").is_none());
    let path: Vec<_> = chunks_of(&segment, "rs");
    assert_eq!(path, [(0, [0, 0, 0, 1]), (1, [0, 0, 0, 1])], "each chunk has the words of its path");
    assert_eq!(segment.length(0, Field::Path), 3);
    assert_eq!(segment.length(2, Field::Text), 3);
    for field in Field::ALL {
        let sum: u64 = (0..3).map(|chunk| u64::from(segment.length(chunk, field))).sum();
        assert_eq!(segment.total_length(field), sum, "{field:?}");
    }
    let defining = |name| segment.defining(name).into_iter().flatten().map(|(chunk, _)| chunk).collect::<Vec<_>>();
    assert_eq!((defining("CLAIM"), defining("ticket"), defining("job")), (vec![0, 2], vec![0], vec![]));
}

#[test]
fn a_vector_is_read_as_it_is_stored_and_where_there_is_none_it_is_none() {
    let (segment, vectors) = (Segment::from_bytes(bytes()).unwrap(), vectors());
    assert_eq!(segment.vector(0), Some(vectors[0].as_bytes()));
    assert_eq!((segment.vector(1), segment.vector(2)), (None, Some(vectors[1].as_bytes())));
    assert_eq!((segment.vector(3), segment.vector(u32::MAX)), (None, None));
    let nearest = segment.nearest(&Probe::new(&vectors[1]), 9, &mut |_| true);
    assert_eq!(nearest.iter().map(|(chunk, _)| *chunk).collect::<Vec<_>>(), [2, 0], "what has none is not near");
}

#[test]
fn the_same_files_make_the_same_bytes_and_a_map_of_them_reads_the_same() {
    assert_eq!(bytes(), bytes());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("one");
    std::fs::write(&path, bytes()).unwrap();
    let mapped = Segment::open(&path).unwrap();
    assert_eq!(mapped.as_bytes(), bytes());
    assert_eq!(chunks_of(&mapped, "claim").len(), 2);
    std::fs::write(&path, &bytes()[..200]).unwrap();
    assert!(Segment::open(&path).is_err() && Segment::open(&directory.path().join("none")).is_err());
}

/// Reads everything there is.
fn read(segment: &Segment) -> usize {
    let mut seen = segment.gone().count();
    for number in 0..segment.file_count().min(10) {
        seen += segment.file(number).path.len();
    }
    for number in 0..segment.chunk_count().min(10) {
        let chunk = segment.chunk(number);
        seen += chunk.symbol.map_or(0, str::len) + segment.vector(number).map_or(0, <[u8]>::len);
        seen += Field::ALL.iter().map(|field| segment.length(number, *field) as usize).sum::<usize>();
    }
    seen += segment.words().take(100).map(|(word, chunks)| word.len() + chunks.count()).sum::<usize>();
    seen += segment.names().take(100).map(|(name, chunks)| name.len() + chunks.count()).sum::<usize>();
    seen + segment.nearest(&Probe::new(&vectors()[0]), 5, &mut |_| true).len()
}

proptest! {
    #[test]
    fn bytes_that_were_changed_or_cut_are_an_error_or_are_read_to_an_end(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let whole = bytes();
        let mut other = whole.clone();
        for (at, byte) in changes {
            let at = at.index(other.len());
            other[at] ^= byte;
        }
        if let Some(cut) = cut {
            other.truncate(cut.index(other.len()));
        }
        let cut = other.len() < whole.len();
        match Segment::from_bytes(other) {
            Ok(segment) => {
                prop_assert!(!cut, "a segment that was cut is none");
                let files: Vec<_> = (0..3).map(|number| segment.file(number).path.to_owned()).collect();
                prop_assert_eq!(files, ["a/queue.rs", "b.txt", "c.txt"], "what is checked is what was written");
                read(&segment);
            }
            Err(error) => prop_assert!(error.to_string().contains("segment")),
        }
    }

    #[test]
    fn any_bytes_are_no_segment(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(Segment::from_bytes(bytes).is_err());
    }

    #[test]
    fn all_words_of_any_text_lead_to_its_chunk(texts in prop::collection::vec("[a-zA-Z_ ./]{0,40}", 1..8)) {
        let mut writer = SegmentWriter::new();
        let paths: Vec<_> = (0..texts.len()).map(|number| format!("{number}")).collect();
        for (path, text) in paths.iter().zip(&texts) {
            writer.add(&file(path, vec![chunk(text, None)]));
        }
        let segment = Segment::from_bytes(writer.finish()).unwrap();
        for (number, text) in (0..).zip(&texts) {
            let mut count = 0;
            crate::words::words(text, &mut |word| {
                count += 1;
                assert!(chunks_of(&segment, word).iter().any(|(chunk, counts)| *chunk == number && counts[0] > 0));
            });
            prop_assert_eq!(segment.length(number, Field::Text), count);
        }
    }
}
