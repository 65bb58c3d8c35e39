//! The rankings that are compared.

use warmer_query::Search;

/// A ranking: the product's, with something switched off.
pub struct Variant {
    /// What the tables call it.
    pub name: &'static str,
    /// Switches it off.
    pub set: fn(&mut Search),
}

/// The product's own.
pub const WHOLE: Variant = Variant { name: "as it is", set: |_| {} };

/// The product's own, and what is compared with it.
#[must_use]
pub fn all(_ablations: bool) -> Vec<Variant> {
    vec![WHOLE]
}
