//! Of the live files of several segments one: to the byte what a segment of these files is that is made anew.

use std::iter::Peekable;

use super::field::Counts;
use super::postings::Postings;
use super::snapshot::Snapshot;
use super::writer::SegmentWriter;

/// A segment of these files, parts and numbers in the order of their paths.
pub(super) fn merged(snapshot: &Snapshot, files: &[(usize, u32)]) -> Vec<u8> {
    let mut writer = SegmentWriter::new();
    let mut moved: Vec<_> = snapshot.parts().map(|(_, part)| Moved(vec![None; part.chunk_count() as usize])).collect();
    for (part, file) in files {
        copy(snapshot, (*part, *file), &mut writer, &mut moved);
    }
    let words: Vec<_> = snapshot.parts().map(|(_, part)| part.words().peekable()).collect();
    together(words, &moved, &mut |word, chunk, counts| writer.post_word(word, chunk, counts));
    let names: Vec<_> = snapshot.parts().map(|(_, part)| part.names().peekable()).collect();
    together(names, &moved, &mut |name, chunk, counts| writer.post_name(name, chunk, counts));
    writer.finish()
}

/// Where the chunks of a part went.
struct Moved(Vec<Option<u32>>);

fn copy(snapshot: &Snapshot, (part, file): (usize, u32), writer: &mut SegmentWriter, moved: &mut [Moved]) {
    let Some(segment) = snapshot.part(part) else { return };
    let of_file = segment.file(file);
    let chunks = of_file.chunks.clone();
    let number = writer.begin_file(of_file.path, of_file.language, of_file.artifact, chunks.end - chunks.start);
    for old in chunks {
        if let Some(new) = moved[part].0.get_mut(old as usize) {
            *new = Some(writer.chunk_count());
        }
        let chunk = segment.chunk(old);
        let numbers = [number, chunk.number, chunk.start_line, chunk.end_line];
        writer.push_chunk(numbers, chunk.symbol, chunk.key, segment.lengths(old));
        writer.push_vector(segment.vector(old));
    }
}

/// Gives all words of sorted tables, one for each part, in their order: each with its chunks where they went.
fn together<'a, I: Iterator<Item = (&'a str, Postings<'a>)>>(
    mut tables: Vec<Peekable<I>>,
    moved: &[Moved],
    post: &mut dyn FnMut(&str, u32, Counts),
) {
    while let Some(word) = tables.iter_mut().filter_map(|table| Some(table.peek()?.0)).min() {
        let mut entries = vec![];
        for (table, moved) in tables.iter_mut().zip(moved) {
            if let Some((_, postings)) = table.next_if(|(this, _)| *this == word) {
                let to = |old: u32| moved.0.get(old as usize).copied().flatten();
                entries.extend(postings.filter_map(|(old, counts)| Some((to(old)?, counts))));
            }
        }
        entries.sort_unstable_by_key(|(chunk, _)| *chunk);
        entries.into_iter().for_each(|(chunk, counts)| post(word, chunk, counts));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use proptest::prelude::*;
    use warmer_content::Vector;
    use warmer_store::RepositoryId;

    use super::*;
    use crate::segment::testing::{chunk, file};
    use crate::segment::{NewChunk, Segment};

    /// Files of two chunks each, by path.
    type Files = BTreeMap<String, (String, bool)>;

    fn segment_of(files: &Files, gone: &[String]) -> Vec<u8> {
        let (mut writer, vector) = (SegmentWriter::new(), Vector::normalized(&[1.0, 2.0]));
        for (path, (text, has_vector)) in files {
            let first = NewChunk {
                symbol: Some(text.as_str()),
                defines: vec![text.as_str()],
                ..chunk(text, has_vector.then_some(&vector))
            };
            writer.add(&file(path, vec![first, chunk("same everywhere", None)]));
        }
        gone.iter().for_each(|path| writer.drop_path(path));
        writer.finish()
    }

    proptest! {
        #[test]
        fn what_is_merged_is_to_the_byte_what_is_made_anew(
            publications in prop::collection::vec(
                prop::collection::btree_map("[a-f]", prop::option::of(("[a-c_A]{1,6}", any::<bool>())), 0..5), 1..5),
        ) {
            let (mut now, mut parts) = (Files::new(), vec![]);
            for changes in publications {
                let gone = changes.iter().filter(|(_, file)| file.is_none());
                let gone: Vec<_> = gone.map(|(path, _)| path.clone()).collect();
                let files: Files = changes.into_iter().filter_map(|(path, file)| Some((path, file?))).collect();
                parts.push(Arc::new(Segment::from_bytes(segment_of(&files, &gone)).unwrap()));
                gone.iter().for_each(|path| drop(now.remove(path)));
                now.extend(files);
            }
            let snapshot = Snapshot::of(RepositoryId(1), parts);
            let mut live: Vec<_> = snapshot.live_files().collect();
            live.sort_by_key(|(part, file)| snapshot.part(*part).unwrap().path(*file));
            prop_assert!(merged(&snapshot, &live) == segment_of(&now, &[]), "{now:?}");
            prop_assert_eq!(snapshot.live_chunks(), 2 * now.len() as u64);
        }
    }
}
