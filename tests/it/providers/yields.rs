//! A model on this machine's cores waits for refreshes that have something to do, and not for ever; a service takes no
//! cores, and waits for none.

use std::sync::mpsc::channel;
use std::time::Duration;

use warmer_pipeline::Stage;
use warmer_supervision::Wait;
use warmer_tests::inside::{Inside, until};
use warmer_tests::server::{Ask, Fault};
use warmer_tests::{GIT, Need, Repo, Server, needs};

use super::Service;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_waits_for_refreshes_for_a_while_and_a_service_does_not() {
    needs!(GIT, Need::Runtime);
    for service in [false, true] {
        let mut inside = Inside::new().await;
        inside.settings.claimer.stall = Duration::from_secs(3_600);
        if service {
            Service::before(&mut inside, &[]);
        }
        let (slow, repo) = (Repo::generated(3, 200, 1), Repo::generated(100, 400, 2));
        let (server, (release, released)) = (Server::serve(slow.path()), channel::<()>());
        // What it has is asked for, and does not come until `release` is dropped.
        server.fault(Ask::Objects, Fault::Meanwhile(Box::new(move || released.recv().unwrap_or_default())));
        let held = inside.enqueue_url(&server.url()).await;
        let mut line = inside.start().await;
        until(|| line.running.ledger.count().heavy == 1).await;
        let refresh = inside.enqueue(&repo).await;
        line.running.wake();
        line.ends(&[refresh]).await;
        line.filled(inside.store.as_ref()).await;
        assert_eq!(line.running.ledger.count().heavy, 1, "it goes on, and all is embedded");
        let waited = line.running.mailboxes.occupied()[Stage::Embedder as usize].blocked_by(Wait::Refresh);
        assert_eq!(waited.is_zero(), service, "{waited:?}");
        drop(release);
        line.ends(&[held]).await;
        line.running.stop(Duration::ZERO).await;
    }
}
