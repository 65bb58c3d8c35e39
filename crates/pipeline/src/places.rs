//! Places: a number of permits that may change while they are out. Who has one too many keeps it to its end.

use std::sync::Arc;

use tokio::sync::watch;

/// So many places. A clone is the same ones.
#[derive(Clone, Debug)]
pub(crate) struct Places(Arc<watch::Sender<Held>>);

#[derive(Clone, Copy, Debug)]
struct Held {
    held: usize,
    most: usize,
}

/// One of them; free again when it is dropped.
#[derive(Debug)]
pub struct Place(Places);

impl Places {
    /// So many, all free.
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(watch::Sender::new(Held { held: 0, most })))
    }

    /// How many there are, taken or not.
    pub(crate) fn most(&self) -> usize {
        self.0.borrow().most
    }

    /// From now on there are so many.
    pub(crate) fn set(&self, most: usize) {
        self.0.send_modify(|places| places.most = most);
    }

    /// One, if one is free now.
    pub(crate) fn try_take(&self) -> Option<Place> {
        let taken = self.0.send_if_modified(|places| {
            let free = places.held < places.most;
            places.held += usize::from(free);
            free
        });
        taken.then(|| Place(self.clone()))
    }

    /// One, once one is free.
    pub(crate) async fn take(&self) -> Place {
        let mut changed = self.0.subscribe();
        loop {
            if let Some(place) = self.try_take() {
                return place;
            }
            // The sender is held by self.
            changed.wait_for(|places| places.held < places.most).await.ok();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.send_modify(|places| places.held -= 1);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn fewer_places_keep_others_out_until_enough_were_given_back_and_more_let_them_in() {
        let places = Places::new(3);
        let mut held: Vec<_> = (0..3).map(|_| places.try_take().expect("a free one")).collect();
        places.set(1);
        let mut waiting = Box::pin(places.take());
        for left in [2, 1] {
            assert!((&mut waiting).now_or_never().is_none() && places.try_take().is_none(), "{left} are out");
            held.pop();
        }
        assert!((&mut waiting).now_or_never().is_none(), "one is out, and there is one");
        places.set(2);
        let second = (&mut waiting).now_or_never().expect("there are two");
        assert!(places.try_take().is_none());
        drop((held, second));
        assert_eq!((places.most(), places.0.borrow().held), (2, 0));
    }
}
