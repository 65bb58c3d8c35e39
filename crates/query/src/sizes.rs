//! Sizes of pools that were asked for with `warmer tune`, while they are in force.

use std::collections::HashMap;
use std::time::SystemTime;

use serde::Serialize;
use warmer_store::{InstanceId, Store, StoreError, Tune, Tuned};

use crate::moment::Moment;

/// A pool of an instance that has another size than before, for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TunedSize {
    /// Workers that were asked for. The instance has a bound of its own: see `workers`.
    pub asked: u32,
    /// Who asked.
    pub set_by: String,
    /// The stage.
    pub stage: String,
    /// When it ends, by this machine's clock, from how long the database says that it goes on.
    pub until: Moment,
    /// Workers: before and now.
    pub workers: [u32; 2],
}

/// What each instance has taken of what is in force.
pub(crate) type Sizes = HashMap<InstanceId, Vec<TunedSize>>;

/// What is in force now, by the names of the stages. One statement, and one for each size.
pub(crate) async fn in_force(store: &dyn Store) -> Result<Sizes, StoreError> {
    let mut sizes = Sizes::new();
    for tune in store.asked().await?.tunes {
        for tuned in store.tuned(tune.id).await? {
            lay(&mut sizes, &tune, &tuned);
        }
    }
    // Those of one command were asked for at one moment.
    sizes.values_mut().for_each(|sizes| sizes.sort_by(|one, other| one.stage.cmp(&other.stage)));
    Ok(sizes)
}

/// A later size of a stage counts; what was before it is what was before the first.
fn lay(sizes: &mut Sizes, tune: &Tune, tuned: &Tuned) {
    let of_instance = sizes.entry(tuned.instance).or_default();
    let size = TunedSize {
        asked: tune.workers,
        set_by: tune.set_by.clone(),
        stage: tune.stage.clone(),
        until: Moment(SystemTime::now() + tune.left),
        workers: [tuned.before.workers, tuned.now.workers],
    };
    match of_instance.iter_mut().find(|before| before.stage == tune.stage) {
        Some(before) => *before = TunedSize { workers: [before.workers[0], size.workers[1]], ..size },
        None => of_instance.push(size),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use warmer_store::{Standing, TuneId};

    use super::*;

    #[test]
    fn of_two_sizes_of_a_stage_the_later_counts_and_it_was_what_it_was_before_both() {
        let (instance, mut sizes) = (InstanceId::random(), Sizes::new());
        for (stage, set_by, asked, before, now) in
            [("hasher", "one", 3, 2, 3), ("storer", "one", 1, 1, 1), ("hasher", "two", 900, 3, 6)]
        {
            let tune = Tune {
                id: TuneId::random(),
                stage: stage.to_owned(),
                workers: asked,
                instance: String::new(),
                set_by: set_by.to_owned(),
                left: Duration::from_secs(60),
            };
            let standing = |workers| Standing { workers, ..Standing::default() };
            let (before, now) = (standing(before), standing(now));
            lay(&mut sizes, &tune, &Tuned { instance, host: "box".to_owned(), before, now, memory_max: None });
        }
        let told: Vec<_> = sizes[&instance]
            .iter()
            .map(|size| (size.stage.as_str(), size.set_by.as_str(), size.asked, size.workers))
            .collect();
        assert_eq!(told, [("hasher", "two", 900, [2, 6]), ("storer", "one", 1, [1, 1])]);
    }
}
