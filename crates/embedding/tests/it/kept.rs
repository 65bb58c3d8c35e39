//! The optimised graph that is kept for processes that ask seldom.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Barrier;

use tempfile::TempDir;
use warmer_embedding::{Model, ModelFiles};

use crate::kit;
use crate::toy;

/// A toy model, and a directory for its optimised graph; `None` when there is no runtime.
struct Place {
    model: TempDir,
    graphs: TempDir,
    library: PathBuf,
}

impl Place {
    fn new() -> Option<Self> {
        let library = kit::runtime()?.library().to_owned();
        Some(Self { model: toy::directory(&toy::plain()), graphs: tempfile::tempdir().unwrap(), library })
    }

    /// A model of another process, as it finds the files now.
    fn model(&self, graphs: &Path) -> Model {
        let files = ModelFiles::locate(self.model.path(), Some(8)).unwrap();
        let fingerprint = files.fingerprint().unwrap();
        Model::new(files, fingerprint, self.library.clone(), 1).kept_in(Some(graphs.to_owned()))
    }

    /// The one kept graph.
    fn kept(&self) -> PathBuf {
        let mut kept = fs::read_dir(self.graphs.path()).unwrap().map(|entry| entry.unwrap().path());
        let found = kept.next().unwrap();
        assert_eq!(kept.next(), None);
        found
    }
}

fn vector(model: &Model) -> Vec<f32> {
    kit::embed(&mut model.open().unwrap(), "one two three")
}

#[test]
fn the_next_process_opens_what_the_first_kept() {
    let Some(place) = Place::new() else { return };
    let (first, second) = (place.model(place.graphs.path()), place.model(place.graphs.path()));
    let made = vector(&first);
    // Whoever needs the original now fails.
    fs::write(place.model.path().join("model.onnx"), "no graph").unwrap();
    assert_eq!(vector(&second), made);
}

#[test]
fn a_damaged_graph_is_made_anew() {
    let Some(place) = Place::new() else { return };
    let made = vector(&place.model(place.graphs.path()));
    let graph = place.kept().join("model.onnx");
    let whole = fs::read(&graph).unwrap();
    for damaged in [whole[..whole.len() / 2].to_vec(), vec![0xff; whole.len()]] {
        fs::write(&graph, damaged).unwrap();
        assert_eq!(vector(&place.model(place.graphs.path())), made);
        assert_eq!(fs::read(&graph).unwrap(), whole);
    }
}

#[test]
fn a_graph_that_gives_other_numbers_is_not_used() {
    let Some(place) = Place::new() else { return };
    let made = vector(&place.model(place.graphs.path()));
    let note = place.kept().join("note.json");
    let text = fs::read_to_string(&note).unwrap();
    assert!(text.contains("\"differs\":false"), "{text}");
    fs::write(&note, text.replace("\"differs\":false", "\"differs\":true")).unwrap();
    // Whoever opened it would fail, and whoever made it anew would mend it.
    fs::write(place.kept().join("model.onnx"), "no graph").unwrap();
    assert_eq!(vector(&place.model(place.graphs.path())), made);
    assert_eq!(fs::read_to_string(place.kept().join("model.onnx")).unwrap(), "no graph");
}

#[test]
fn another_model_has_a_graph_of_its_own() {
    let Some(place) = Place::new() else { return };
    vector(&place.model(place.graphs.path()));
    let kept = place.kept();
    let other = toy::lookup(|n| [n as f32, 1.0, 0.0, 0.0]);
    let other = other.node("Identity", &["hidden"], "last_hidden_state", &[]);
    let other = crate::onnx::model(&other.output("last_hidden_state", crate::onnx::FLOAT, &["batch", "tokens", "4"]));
    fs::write(place.model.path().join("model.onnx"), other).unwrap();
    vector(&place.model(place.graphs.path()));
    fs::remove_dir_all(&kept).unwrap();
    assert_ne!(place.kept(), kept);
}

#[test]
fn a_directory_that_cannot_be_written_costs_only_time() {
    let Some(place) = Place::new() else { return };
    let file = place.graphs.path().join("file");
    fs::write(&file, "").unwrap();
    assert_eq!(vector(&place.model(&file)).len(), 4);
}

#[test]
fn the_oldest_graphs_go() {
    let Some(place) = Place::new() else { return };
    for name in ["a", "b", "c", "d", "e"] {
        fs::create_dir(place.graphs.path().join(name)).unwrap();
    }
    let model = place.model(place.graphs.path());
    vector(&model);
    assert_eq!(fs::read_dir(place.graphs.path()).unwrap().count(), 4);
    fs::write(place.model.path().join("model.onnx"), "no graph").unwrap();
    assert_eq!(vector(&model).len(), 4, "the one that was just made is still there");
}

/// The real model, for its weights are in a file of their own, which is mapped.
#[test]
fn sessions_that_open_at_once_do_not_write_into_each_others_graphs() {
    const SESSIONS: usize = 4;
    let Some(real) = kit::Real::find() else { return };
    let graphs = tempfile::tempdir().unwrap();
    let expected = kit::embed(&mut real.session(1), "one two three");
    let fingerprint = real.model.fingerprint().unwrap();
    let start = Barrier::new(SESSIONS);
    let vector = || {
        let model = Model::new(real.model.clone(), fingerprint, real.runtime.library().to_owned(), 1);
        start.wait();
        vector(&model.kept_in(Some(graphs.path().to_owned())))
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..SESSIONS).map(|_| scope.spawn(vector)).collect();
        for thread in threads {
            assert!(1.0 - kit::cosine(&thread.join().unwrap(), &expected) < 1e-6);
        }
    });
    assert_eq!(fs::read_dir(graphs.path()).unwrap().count(), 1);
}

#[test]
fn the_kept_graph_of_the_real_model_gives_its_vectors() {
    let Some(real) = kit::Real::find() else { return };
    let graphs = tempfile::tempdir().unwrap();
    let model = || {
        let (files, library) = (real.model.clone(), real.runtime.library().to_owned());
        let fingerprint = files.fingerprint().unwrap();
        Model::new(files, fingerprint, library, 1).kept_in(Some(graphs.path().to_owned()))
    };
    model().open().unwrap();
    let kept = fs::read_dir(graphs.path()).unwrap().next().unwrap().unwrap().path();
    assert!(fs::read_to_string(kept.join("note.json")).unwrap().contains("\"differs\":false"));
    assert!(fs::metadata(kept.join("weights")).unwrap().len() > 80_000_000);
    let (mut original, mut kept) = (real.session(1), model().open().unwrap());
    for text in kit::code() {
        let (original, kept) = (kit::embed(&mut original, &text), kit::embed(&mut kept, &text));
        assert!(1.0 - kit::cosine(&original, &kept) < 1e-6);
    }
}
