//! The provider of this machine: any number of texts, in their order, until it is told to stop.

use std::sync::Arc;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use warmer_content::{EmbeddingId, Vector};
use warmer_embedding::{CallLimits, EmbedError, Embedding, Local, Model, ModelFiles, Provider, ask};

use crate::{kit, toy};

/// The provider of a toy model; `None` when there is no runtime.
fn local(directory: &TempDir) -> Option<Local> {
    let runtime = kit::runtime()?;
    let files = ModelFiles::locate(directory.path(), Some(8)).unwrap();
    let fingerprint = files.fingerprint().unwrap();
    let model = Model::new(files, fingerprint, runtime.library().to_owned(), 1);
    Some(Local::new(Arc::new(model)))
}

fn axis(made: &Embedding) -> usize {
    made.vector.to_f32().iter().position(|value| *value == 1.0).unwrap()
}

#[tokio::test]
async fn texts_keep_their_order_and_one_that_fails_costs_no_other() {
    let directory = toy::directory(&toy::plain());
    let Some(local) = local(&directory) else { return };
    assert_eq!(local.dimensions(), None, "nothing is loaded yet");
    let texts = ["three", "", "one", "two"].map(str::to_owned).to_vec();
    let made = ask(&local, texts, CancellationToken::new()).await;
    let axes: Vec<_> = made.iter().map(|made| made.as_ref().map(axis).map_err(ToString::to_string)).collect();
    let none = "the text cannot be embedded: it has no tokens".to_owned();
    assert_eq!(axes, [Ok(3), Err(none), Ok(1), Ok(2)]);
    assert_eq!((local.dimensions(), local.uploads()), (Some(4), false));
}

#[tokio::test]
async fn tokens_are_those_of_the_text_however_many_windows_it_is_read_in() {
    let directory = toy::directory(&toy::plain());
    let Some(local) = local(&directory) else { return };
    let counts = [1, 8, 9, 100];
    let texts = counts.map(|count| "one ".repeat(count)).to_vec();
    let made = ask(&local, texts, CancellationToken::new()).await;
    let tokens: Vec<_> = made.iter().map(|made| made.as_ref().unwrap().tokens as usize).collect();
    assert_eq!(tokens, counts);
}

#[tokio::test]
async fn a_call_that_is_stopped_or_dropped_leaves_the_provider_whole() {
    // "warm" ends, every other word runs for ever.
    let directory = toy::directory(&toy::endless_unless(4));
    let Some(local) = local(&directory) else { return };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let stop = CancellationToken::new();
    let mut stopped = Box::pin(ask(&local, words(&["two", "warm"]), stop.clone()));
    assert!(futures::poll!(&mut stopped).is_pending());
    // Its thread begins behind that of the call above.
    let made = ask(&local, words(&["warm"]), CancellationToken::new()).await;
    assert_eq!(axis(made[0].as_ref().unwrap()), 0);
    stop.cancel();
    assert_eq!(stopped.await, [Err(EmbedError::Stopped), Err(EmbedError::Stopped)]);
    let mut endless = Box::pin(ask(&local, words(&["two"]), CancellationToken::new()));
    assert!(futures::poll!(&mut endless).is_pending());
    drop(endless);
    let made = ask(&local, words(&["warm"]), CancellationToken::new()).await;
    assert_eq!(axis(made[0].as_ref().unwrap()), 0);
}

#[tokio::test]
async fn without_a_runtime_nothing_can_ever_be_embedded() {
    let directory = toy::directory(&toy::plain());
    let files = ModelFiles::locate(directory.path(), Some(8)).unwrap();
    let fingerprint = files.fingerprint().unwrap();
    let local = Local::new(Arc::new(Model::new(files, fingerprint, directory.path().join("none.so"), 1)));
    let made = local.embed(vec!["one".to_owned()], CancellationToken::new()).await;
    assert!(matches!(&made[..], [Err(EmbedError::Unfit(why))] if why.contains("none.so is not there")), "{made:?}");
}

#[tokio::test]
async fn of_sessions_no_more_are_kept_than_calls_are_made_at_once() {
    let directory = toy::directory(&toy::plain());
    let Some(local) = local(&directory) else { return };
    let call = || local.embed(vec!["one".to_owned(); 2], CancellationToken::new());
    for (at_once, kept) in [(4, 3), (2, 2), (1, 1), (3, 3)] {
        local.keep_for(at_once);
        assert!(local.kept() <= at_once, "{} are kept for {at_once} calls", local.kept());
        tokio::join!(call(), call(), call());
        assert_eq!(local.kept(), kept, "after three calls at once, of {at_once}");
    }
}

/// Gives these vectors whatever it is asked.
struct Wrong(Vec<Vector>);

#[async_trait::async_trait]
impl Provider for Wrong {
    fn embedding_id(&self) -> EmbeddingId {
        EmbeddingId(warmer_content::Digest::of(b""))
    }

    fn dimensions(&self) -> Option<usize> {
        None
    }

    fn limits(&self) -> CallLimits {
        CallLimits { texts: 8, size: 8 }
    }

    fn uploads(&self) -> bool {
        true
    }

    async fn embed(&self, _: Vec<String>, _: CancellationToken) -> Vec<Result<Embedding, EmbedError>> {
        self.0.iter().map(|vector| Ok(Embedding { vector: vector.clone(), tokens: 1 })).collect()
    }
}

#[tokio::test]
async fn an_answer_of_a_wrong_length_or_width_is_the_providers_fault() {
    let vector = |width| Vector::normalized(&vec![1.0; width]);
    for (given, why) in [
        (vec![vector(2)], "it gave 1 vectors for 2 texts"),
        (vec![vector(2), vector(3)], "it gave a vector of 3 numbers, and not of 2"),
    ] {
        let made = ask(&Wrong(given), vec![String::new(); 2], CancellationToken::new()).await;
        assert_eq!(made, vec![Err(EmbedError::Retry { why: why.to_owned(), after: None }); 2]);
    }
}
