//! The rankings that are compared.

use warmer_query::Signals;

/// A ranking: the product's, with something switched off.
pub struct Variant {
    /// What the tables call it.
    pub name: &'static str,
    /// What counts in it.
    pub signals: Signals,
    /// Whether each chunk is a hit, instead of each file.
    pub all_chunks: bool,
}

impl Variant {
    const fn of(name: &'static str, signals: Signals) -> Self {
        Self { name, signals, all_chunks: false }
    }

    /// A plain list of chunks.
    const fn plain(name: &'static str, signals: Signals) -> Self {
        Self { name, signals, all_chunks: true }
    }
}

const NONE: Signals = Signals {
    words: false,
    meaning: false,
    definition: false,
    file_name: false,
    company: false,
    prose: false,
    aside: false,
};

/// The product's own, and what it is made of, each without the rest. Where files are not said, those are
/// lists of chunks, as many of a file as are good, as a search has them that knows nothing else.
const WHOLE: [Variant; 5] = [
    Variant::of("as it is", Signals::ALL),
    Variant::of("words, vectors, by file", Signals { words: true, meaning: true, ..NONE }),
    Variant::plain("words and vectors", Signals { words: true, meaning: true, ..NONE }),
    Variant::plain("vectors alone", Signals { meaning: true, ..NONE }),
    Variant::plain("words alone (BM25)", Signals { words: true, ..NONE }),
];

/// The product's own without one of its signals.
const WITHOUT: [Variant; 7] = [
    Variant::of("without words", Signals { words: false, ..Signals::ALL }),
    Variant::of("without vectors", Signals { meaning: false, ..Signals::ALL }),
    Variant::of("without definition", Signals { definition: false, ..Signals::ALL }),
    Variant::of("without file name", Signals { file_name: false, ..Signals::ALL }),
    Variant::of("without company", Signals { company: false, ..Signals::ALL }),
    Variant::of("without prose", Signals { prose: false, ..Signals::ALL }),
    Variant::of("without aside", Signals { aside: false, ..Signals::ALL }),
];

/// The product's own first, and what is compared with it.
pub fn all(ablations: bool) -> impl Iterator<Item = Variant> {
    WHOLE.into_iter().chain(WITHOUT.into_iter().filter(move |_| ablations))
}
