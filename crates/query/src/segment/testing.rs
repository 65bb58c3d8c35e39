//! Segments for tests.

use warmer_content::{ArtifactKey, Digest, Vector, text_key};

use super::reader::Segment;
use super::writer::{NewChunk, NewFile, SegmentWriter};

/// A chunk that stands alone in its file.
pub(crate) fn chunk<'a>(text: &'a str, vector: Option<&'a Vector>) -> NewChunk<'a> {
    NewChunk {
        text,
        header: "text",
        symbol: None,
        start_line: 1,
        end_line: 1,
        key: text_key(text),
        vector,
        defines: vec![],
    }
}

/// A file of these chunks.
pub(crate) fn file<'a>(path: &'a str, chunks: Vec<NewChunk<'a>>) -> NewFile<'a> {
    NewFile { path, artifact: ArtifactKey(Digest::of(path.as_bytes())), language: "text", chunks }
}

/// A segment of files of one chunk each, without vectors.
pub(crate) fn of_texts(files: &[(&str, &str)]) -> Segment {
    of_change(files, &[])
}

/// The same, with the paths that are gone.
pub(crate) fn of_change(files: &[(&str, &str)], gone: &[&str]) -> Segment {
    let mut writer = SegmentWriter::new();
    files.iter().for_each(|(path, text)| writer.add(&file(path, vec![chunk(text, None)])));
    gone.iter().for_each(|path| writer.drop_path(path));
    Segment::from_bytes(writer.finish()).unwrap()
}

/// A segment of files of one chunk each, with these vectors.
pub(crate) fn of_vectors(vectors: &[Vector]) -> Segment {
    let mut writer = SegmentWriter::new();
    for (number, vector) in vectors.iter().enumerate() {
        writer.add(&file(&format!("{number:05}"), vec![chunk("x", Some(vector))]));
    }
    Segment::from_bytes(writer.finish()).unwrap()
}
