//! The real model gives the similarities that its model card publishes.

use warmer_embedding::{Terminator, Tokenizer};

use crate::kit::{self, Real, cosine, embed};

const TEXTS: [&str; 3] = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."];

/// (which, which, published)
const SIMILARITIES: [(usize, usize, f64); 3] = [(0, 1, 0.6660), (0, 2, 0.1046), (1, 2, 0.1411)];

#[test]
fn the_published_similarities_come_out() {
    let Some(real) = Real::find() else { return };
    let mut session = real.session(1);
    assert_eq!(session.dimensions(), 384);
    let vectors = TEXTS.map(|text| embed(&mut session, text));
    let stored = TEXTS.map(|text| session.embed(text, &Terminator::default()).unwrap());
    for (a, b, published) in SIMILARITIES {
        let found = cosine(&vectors[a], &vectors[b]);
        assert!((found - published).abs() < 1e-4, "{a} {b}: {found} instead of {published}");
        let rounded = f64::from(stored[a].cosine(&stored[b]));
        assert!((rounded - published).abs() < 1e-3, "{a} {b}: {rounded} after rounding to 16 bits");
    }
}

#[test]
fn a_long_text_is_cut_at_the_models_limit() {
    let Some(real) = Real::find() else { return };
    let mut session = real.session(1);
    let text = include_str!("../../src/lock.rs");
    let starts = starts(&real.tokenizer, text);
    let fits = real.model.length_max - real.tokenizer.specials();
    let vector = embed(&mut session, text);
    assert_eq!(vector, embed(&mut session, &text[..starts[fits]]), "what is cut off changes nothing");
    assert_ne!(vector, embed(&mut session, &text[..starts[fits - 1]]), "the last token that fits is read");
}

fn starts(tokenizer: &Tokenizer, text: &str) -> Vec<usize> {
    let starts = warmer_content::TokenSpans::starts(tokenizer, text).unwrap();
    starts.into_iter().map(|start| start as usize).collect()
}

#[test]
fn the_default_model_says_how_it_wants_to_be_used() {
    let Some(model) = kit::model() else { return };
    assert_eq!((model.pooling.as_str(), model.length_max), ("mean", 256));
    assert_eq!(Tokenizer::load(&model).unwrap().specials(), 2);
}
