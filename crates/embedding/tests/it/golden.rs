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
    let stored = TEXTS.map(|text| session.embed(text, &Terminator::default()).unwrap().vector);
    for (a, b, published) in SIMILARITIES {
        let found = cosine(&vectors[a], &vectors[b]);
        assert!((found - published).abs() < 1e-4, "{a} {b}: {found} instead of {published}");
        let rounded = f64::from(stored[a].cosine(&stored[b]));
        assert!((rounded - published).abs() < 1e-3, "{a} {b}: {rounded} after rounding to 16 bits");
    }
}

#[test]
fn the_default_model_says_how_it_wants_to_be_used() {
    let Some(model) = kit::model() else { return };
    assert_eq!((model.pooling.as_str(), model.length_max), ("mean", 256));
    assert_eq!(Tokenizer::load(&model).unwrap().specials(), 2);
}
