//! The fleet's configuration, as this instance follows it.
//!
//! What is made, and how much at a time, is the database's to say. An instance that differs does not undo another's
//! work: it confirms what is served by the fleet's recipe and unchanged, and leaves everything else to those that run
//! by it. One whose model alone differs refreshes like any other, and leaves the vectors to them.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use warmer_content::Recipe;
use warmer_store::{
    Agreement, Configuration, Difference, InstanceId, Membership, Store, StoreError, Window, differences,
};
use warmer_traces::names;

use crate::observer::Observer;

/// What this instance runs by, and what the fleet does. A clone is the same.
#[derive(Clone, Debug, Default)]
pub struct Fleet(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    ours: RwLock<Configuration>,
    seen: RwLock<Option<Seen>>,
    /// The window that held when a slot was last asked for.
    window: RwLock<Option<Window>>,
    /// The digest that was last logged.
    logged: Mutex<Option<String>>,
}

#[derive(Clone, Debug)]
struct Seen {
    agreement: Arc<Agreement>,
    membership: Membership,
}

/// What an instance that differs goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Followed {
    /// The fleet's.
    pub(crate) recipe: Recipe,
    /// What is indexed is the same here, so that this instance can tell whether it changed.
    pub(crate) same_rules: bool,
    /// Texts are cut as here, too: only vectors are another's, and every refresh can be done here.
    pub(crate) serves_the_same: bool,
    /// Why the rest is left to others.
    pub(crate) why: String,
}

impl Fleet {
    /// Of an instance that runs by this.
    #[must_use]
    pub fn of(ours: Configuration) -> Self {
        let (seen, window, logged) = Default::default();
        Self(Some(Arc::new(Inner { ours: RwLock::new(ours), seen, window, logged })))
    }

    /// Says what this instance runs by, as it starts.
    ///
    /// # Errors
    /// As the store says.
    pub async fn enter(
        &self,
        store: &dyn Store,
        instance: InstanceId,
        membership: Membership,
    ) -> Result<(), StoreError> {
        let Some(inner) = &self.0 else { return Ok(()) };
        let agreement = store.agree(instance, &inner.ours(), membership).await?;
        let membership = if membership == Membership::Joins { Membership::Runs } else { membership };
        inner.tell(&agreement);
        *inner.seen.write().unwrap_or_else(PoisonError::into_inner) =
            Some(Seen { agreement: Arc::new(agreement), membership });
        Ok(())
    }

    /// This instance is configured anew. The fleet goes by it once nobody lives who runs by what it has now: one that
    /// is behind, or ahead, says that it differs and changes nothing.
    pub(crate) fn change(&self, slots: u32, windows: &[Window]) {
        let Some(inner) = &self.0 else { return };
        let mut ours = inner.ours.write().unwrap_or_else(PoisonError::into_inner);
        if ours.slots == slots && ours.windows == windows {
            return;
        }
        *ours = ours.with_slots(slots, windows.to_vec());
        // What differs now is another thing than what was told before.
        inner.logged.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Looks again: who ran by the fleet's configuration may be gone, or another may have taken over.
    pub(crate) async fn look(&self, store: &dyn Store, instance: InstanceId, observer: &Observer) {
        let Some(membership) = self.seen().map(|seen| seen.membership) else { return };
        if let Err(error) = observer.database(names::DB_FLEET, self.enter(store, instance, membership)).await {
            tracing::debug!(%error, "cannot read the fleet's configuration");
        }
    }

    /// Slots in the cluster, as the fleet has it at the moment that was noted last; `None` before the first look.
    #[must_use]
    pub fn slots(&self) -> Option<u32> {
        let window = self.0.as_ref()?.window.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(Window::slots);
        Some(window.unwrap_or(self.seen()?.agreement.fleet.configuration.slots))
    }

    /// Whether the number of slots depends on the time of the day, or did when it was noted last.
    pub(crate) fn has_windows(&self) -> bool {
        let noted = |inner: &Arc<Inner>| inner.window.read().unwrap_or_else(PoisonError::into_inner).is_some();
        self.seen().is_some_and(|seen| !seen.agreement.fleet.configuration.windows.is_empty())
            || self.0.as_ref().is_some_and(noted)
    }

    /// Notes what the database's clock says: which window holds.
    pub(crate) fn note(&self, now: SystemTime) {
        let (Some(inner), Some(seen)) = (&self.0, self.seen()) else { return };
        let configuration = &seen.agreement.fleet.configuration;
        let (holds, mut noted) =
            (configuration.window_at(now), inner.window.write().unwrap_or_else(PoisonError::into_inner));
        if holds == noted.as_ref() {
            return;
        }
        match holds {
            Some(window) => tracing::info!("a window has begun: {window}; heavy jobs that run go on"),
            None => tracing::info!(slots = configuration.slots, "no window holds any more: claimer.slots counts again"),
        }
        *noted = holds.cloned();
    }

    /// Whether what this instance makes is what the fleet makes.
    #[must_use]
    pub fn makes_ours(&self) -> bool {
        let (Some(inner), Some(seen)) = (&self.0, self.seen()) else { return true };
        let fleet = &seen.agreement.fleet.configuration;
        fleet.makes_the_same(&inner.ours().within(fleet))
    }

    /// What to go by instead of what is configured here. A repository of this machine that a visitor names nobody else
    /// can warm; nor anything, while nobody lives who runs by the fleet's configuration and this one may not say so.
    pub(crate) fn followed(&self, local: bool) -> Option<Followed> {
        let (inner, seen) = (self.0.as_ref()?, self.seen()?);
        let (fleet, visits) = (&seen.agreement.fleet.configuration, seen.membership == Membership::Visits);
        let ours = inner.ours().within(fleet);
        if fleet.makes_the_same(&ours) || (visits && (local || !seen.agreement.held)) {
            return None;
        }
        let keys = named(&ours, fleet).into_iter().map(|difference| difference.key).collect::<Vec<_>>().join(", ");
        let why = format!("this instance runs by another configuration than the fleet does ({keys})");
        let same_rules = fleet.rules == ours.rules;
        let serves_the_same = serves_the_same(&ours, fleet);
        Some(Followed { recipe: fleet.recipe, same_rules, serves_the_same, why })
    }

    fn seen(&self) -> Option<Seen> {
        self.0.as_ref()?.seen.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Inner {
    fn ours(&self) -> Configuration {
        self.ours.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says once what differs from a configuration of the fleet.
    fn tell(&self, agreement: &Agreement) {
        let (fleet, digest) = (&agreement.fleet, agreement.fleet.configuration.digest());
        let before = self.logged.lock().unwrap_or_else(PoisonError::into_inner).replace(digest.clone());
        if before.as_ref() == Some(&digest) {
            return;
        }
        let ours = self.ours().within(&fleet.configuration);
        if fleet.configuration.digest() == ours.digest() {
            if before.is_some() {
                tracing::info!(
                    "the fleet runs by the configuration of this instance now: what another made of each repository \
                    is made anew once"
                );
            }
            return;
        }
        let differs = named(&ours, &fleet.configuration);
        let differs: Vec<_> = differs
            .iter()
            .map(|Difference { key, here, fleet }| format!("{key} (here {here}, there {fleet})"))
            .collect();
        let (differs, ago) = (differs.join(", "), fleet.set_at.elapsed().unwrap_or_default().as_secs());
        let set_by = format!("instance {}, version {}, {ago} s ago", fleet.set_by.0, fleet.version);
        let left = if serves_the_same(&ours, &fleet.configuration) {
            "repositories are refreshed here too, and their vectors are left"
        } else {
            "what it made is left as it is, and what changed is left"
        };
        tracing::warn!(
            set_by,
            "the fleet runs by another configuration than this instance: {differs}. Its slots count; {left} to the \
             instances that run by it. Give all the same configuration"
        );
    }
}

/// Whether only the vectors of a repository would differ.
fn serves_the_same(ours: &Configuration, fleet: &Configuration) -> bool {
    ours.recipe.chunking == fleet.recipe.chunking && ours.rules == fleet.rules
}

/// The keys that differ; where none does, the programs do.
fn named(ours: &Configuration, fleet: &Configuration) -> Vec<Difference> {
    let mut found = differences(&ours.keys, &fleet.keys);
    if found.is_empty() {
        found.push(Difference { key: "the program itself".into(), here: "this".into(), fleet: "another".into() });
    }
    found
}

#[cfg(test)]
mod tests {
    use warmer_content::{ChunkingId, Digest, EmbeddingId, RulesDigest};

    use super::*;

    fn configuration(chunks: &str, rules: &str) -> Configuration {
        let digest = |text: &str| Digest::of(text.as_bytes());
        Configuration {
            recipe: Recipe { embedding: EmbeddingId(digest("model")), chunking: ChunkingId(digest(chunks)) },
            rules: RulesDigest(digest(rules)),
            slots: 7,
            windows: vec![],
            keys: [("content.chunk_size".to_owned(), chunks.to_owned())].into(),
        }
    }

    /// An instance of chunks of 120 tokens in a fleet of this configuration.
    fn seeing(fleet: Configuration, membership: Membership, held: bool) -> Fleet {
        let ours = Fleet::of(configuration("120", "rules"));
        let fleet = warmer_store::Fleet {
            configuration: fleet,
            set_by: InstanceId::random(),
            version: "1".into(),
            set_at: SystemTime::UNIX_EPOCH,
        };
        let seen = Seen { agreement: Arc::new(Agreement { fleet, set: false, held }), membership };
        *ours.0.as_ref().expect("just made").seen.write().expect("nobody else has it") = Some(seen);
        ours
    }

    #[test]
    fn who_differs_goes_by_the_fleets_recipe_and_names_the_keys() {
        let fleet = seeing(configuration("200", "rules"), Membership::Runs, true);
        let followed = fleet.followed(false).expect("it differs");
        assert_eq!((followed.recipe, followed.same_rules), (configuration("200", "rules").recipe, true));
        assert!(!followed.serves_the_same, "texts are cut in another way");
        assert!(followed.why.contains("content.chunk_size"), "{}", followed.why);
        assert!(!fleet.makes_ours() && fleet.slots() == Some(7));
        assert!(fleet.followed(true).is_some(), "a path too: another may have it");
        let rules = seeing(configuration("120", "other rules"), Membership::Runs, true).followed(false);
        assert!(rules.is_some_and(|followed| !followed.same_rules));
        assert_eq!(seeing(configuration("120", "rules"), Membership::Runs, true).followed(false), None);
    }

    #[test]
    fn who_has_another_model_refreshes_for_the_fleets() {
        let mut fleet = configuration("120", "rules");
        fleet.recipe.embedding = EmbeddingId(Digest::of(b"another model"));
        let followed = seeing(fleet.clone(), Membership::Runs, true).followed(false).expect("it differs");
        assert_eq!((followed.recipe, followed.serves_the_same), (fleet.recipe, true));
        fleet.rules = RulesDigest(Digest::of(b"other rules"));
        let followed = seeing(fleet, Membership::Runs, true).followed(false);
        assert!(followed.is_some_and(|followed| !followed.serves_the_same));
    }

    #[test]
    fn the_slots_are_those_of_the_window_that_holds_and_of_the_first_of_several() {
        let window = |from: &str, to: &str, slots: u32| {
            serde_json::from_value(serde_json::json!({ "from": from, "to": to, "slots": slots })).expect("a window")
        };
        let windows = vec![window("07:00", "19:00", 2), window("06:00", "20:00", 4)];
        let fleet = seeing(Configuration { windows, ..configuration("120", "rules") }, Membership::Runs, true);
        assert!(fleet.has_windows());
        let slots_at = |hour: u64| {
            fleet.note(SystemTime::UNIX_EPOCH + std::time::Duration::from_hours(hour));
            fleet.slots()
        };
        assert_eq!([5, 6, 7, 18, 19, 20].map(slots_at), [7, 4, 2, 2, 4, 7].map(Some));
        assert!(!seeing(configuration("120", "rules"), Membership::Runs, true).has_windows());
    }

    #[test]
    fn a_visitor_does_itself_what_nobody_else_could() {
        let fleet = || configuration("200", "rules");
        assert!(seeing(fleet(), Membership::Visits, true).followed(false).is_some());
        assert_eq!(seeing(fleet(), Membership::Visits, true).followed(true), None);
        assert_eq!(seeing(fleet(), Membership::Visits, false).followed(false), None);
        assert!(seeing(fleet(), Membership::Runs, false).followed(false).is_some(), "a daemon waits for its turn");
    }
}
