//! When searches use what a warm made.

use warmer_content::Recipe;
use warmer_query::{label, listed};
use warmer_store::{GenerationState, Store, StoreError};

use crate::output;

/// Repositories that are counted; of more than that it is not told how many there are.
const COUNTED_MAX: u32 = 1000;

/// Has searches use what was made by `recipe`, once nothing that is served is left behind by it.
pub(super) async fn switch(store: &dyn Store, recipe: Recipe) -> Result<(), StoreError> {
    if store.activate_when_covered(recipe).await? {
        return Ok(());
    }
    if store.generation_state(recipe).await? == Some(GenerationState::Retired) {
        let id = recipe.embedding.0.short();
        output::note(&format!(
            "a command has searches use another model than this one: `warmer generations switch {id}` brings this one \
             back"
        ));
        return Ok(());
    }
    let left = store.uncovered(recipe, COUNTED_MAX).await?;
    if !left.is_empty() {
        let names = listed(left.iter().map(|one| label(&one.remote, one.reference.as_deref())));
        output::note(&format!(
            "searches use the model of before until this one has made everything that is served: \
             warm, pause or remove {names}"
        ));
    }
    Ok(())
}
