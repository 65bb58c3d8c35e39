//! What is told to a service manager such as systemd: that the process has started, reads its configuration again,
//! ends, and lives. The protocol is one datagram of `KEY=VALUE` lines for each message, to the socket that
//! `NOTIFY_SOCKET` names (`man sd_notify`).

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use warmer_serve::Health;

use crate::environment::Environment;

/// The service manager, where one listens. A clone speaks to the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServiceManager(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    socket: UnixDatagram,
    address: SocketAddr,
    /// Within which it wants a sign of life.
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one that started this process.
    pub(crate) fn of(environment: &Environment) -> Self {
        let Some(name) = environment.get("NOTIFY_SOCKET") else { return Self::default() };
        let connected = || {
            let address = address(name.as_bytes())?;
            let socket = UnixDatagram::unbound()?;
            // A manager that does not read must not hold this process up.
            socket.set_nonblocking(true)?;
            io::Result::Ok((socket, address))
        };
        match connected() {
            Ok((socket, address)) => Self(Some(Arc::new(Inner { socket, address, watchdog: watchdog(environment) }))),
            Err(error) => {
                tracing::warn!("cannot reach the service manager that NOTIFY_SOCKET names: {error}");
                Self::default()
            }
        }
    }

    /// The process has started; from now on it shows that it lives, twice as often as asked for, as long as `/livez`
    /// holds.
    pub(crate) fn started(&self, health: &Health) {
        self.tell("READY=1");
        let Some(watchdog) = self.0.as_ref().and_then(|inner| inner.watchdog) else { return };
        let (manager, health) = (self.clone(), health.clone());
        warmer_supervision::spawn("watchdog", async move {
            loop {
                if health.is_live().await {
                    manager.tell("WATCHDOG=1");
                }
                tokio::time::sleep(watchdog / 2).await;
            }
        });
    }

    /// What the process does now, in a few words for people.
    pub(crate) fn says(&self, status: &str) {
        self.tell(&format!("STATUS={status}"));
    }

    /// The configuration is read again, until [`ServiceManager::reloaded`].
    pub(crate) fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = now.tv_sec * 1_000_000 + now.tv_nsec / 1000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// The configuration was read.
    pub(crate) fn reloaded(&self) {
        self.tell("READY=1");
    }

    /// The process is to end.
    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=stopping");
    }

    fn tell(&self, message: &str) {
        let Some(inner) = &self.0 else { return };
        if let Err(error) = inner.socket.send_to_addr(message.as_bytes(), &inner.address) {
            tracing::debug!("cannot tell the service manager {message:?}: {error}");
        }
    }
}

/// Where the socket is: a path, or a name in the abstract namespace of Linux, written with an `@`.
fn address(name: &[u8]) -> io::Result<SocketAddr> {
    match name.strip_prefix(b"@") {
        #[cfg(target_os = "linux")]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt as _;
            SocketAddr::from_abstract_name(name)
        }
        _ => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name)),
    }
}

/// `WATCHDOG_USEC`, unless it is meant for another process.
fn watchdog(environment: &Environment) -> Option<Duration> {
    let meant_for = environment.text("WATCHDOG_PID").and_then(|id| id.parse().ok());
    let micros = environment.text("WATCHDOG_USEC")?.parse().ok().filter(|micros| *micros > 0)?;
    meant_for.is_none_or(|id: u32| id == std::process::id()).then(|| Duration::from_micros(micros))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use warmer_serve::Works;

    use super::*;

    /// A socket of a service manager, and the next datagram that comes there.
    struct Manager(UnixDatagram, tempfile::TempDir);

    impl Manager {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let socket = UnixDatagram::bind(directory.path().join("notify")).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            Self(socket, directory)
        }

        fn environment(&self, more: &[(&str, &str)]) -> Environment {
            let path = self.1.path().join("notify").display().to_string();
            let all = [("NOTIFY_SOCKET", path.as_str())];
            all.into_iter().chain(more.iter().copied()).collect()
        }

        fn next(&self) -> String {
            let mut bytes = [0; 1024];
            let length = self.0.recv(&mut bytes).unwrap();
            String::from_utf8(bytes[..length].to_vec()).unwrap()
        }
    }

    #[test]
    fn a_reload_is_told_with_the_time_of_a_clock_that_never_goes_back() {
        let manager = Manager::new();
        let service = ServiceManager::of(&manager.environment(&[]));
        service.reloading();
        let first = manager.next();
        let time = first.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
        assert!(time.parse::<u64>().unwrap() > 0);
        service.reloaded();
        service.says("one\u{a0}thing");
        service.stopping();
        assert_eq!(
            [manager.next(), manager.next(), manager.next()],
            ["READY=1", "STATUS=one\u{a0}thing", "STOPPING=1\nSTATUS=stopping"]
        );
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn the_watchdog_hears_of_it_again_and_again() {
        let manager = Manager::new();
        let id = std::process::id().to_string();
        let environment = manager.environment(&[("WATCHDOG_USEC", "2000"), ("WATCHDOG_PID", &id)]);
        ServiceManager::of(&environment).started(&Health::default());
        assert_eq!([manager.next(), manager.next(), manager.next()], ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
    }

    /// Does not answer the first three times that it is asked.
    struct Hangs(Arc<AtomicUsize>);

    #[async_trait]
    impl Works for Hangs {
        async fn answers(&self) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed) >= 3
        }

        fn may_claim(&self) -> bool {
            true
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_process_that_hangs_gives_no_sign_of_life() {
        let (manager, health, asked) = (Manager::new(), Health::default(), Arc::new(AtomicUsize::new(0)));
        health.watch(Hangs(asked.clone()));
        ServiceManager::of(&manager.environment(&[("WATCHDOG_USEC", "100000")])).started(&health);
        assert_eq!([manager.next(), manager.next()], ["READY=1", "WATCHDOG=1"]);
        assert!(asked.load(Ordering::Relaxed) > 3, "not before it answered");
    }

    #[test]
    fn a_watchdog_that_is_meant_for_another_process_is_none_of_ours() {
        let of = |variables: &[(&str, &str)]| watchdog(&variables.iter().copied().collect());
        assert_eq!(of(&[("WATCHDOG_USEC", "30000000")]), Some(Duration::from_secs(30)));
        assert_eq!(of(&[("WATCHDOG_USEC", "30000000"), ("WATCHDOG_PID", "1")]), None);
        assert_eq!(of(&[("WATCHDOG_USEC", "0")]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_socket_may_be_a_name_that_is_no_file() {
        use std::os::linux::net::SocketAddrExt as _;

        let name = format!("warmer-test-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let environment = [("NOTIFY_SOCKET", format!("@{name}"))].into_iter().collect();
        ServiceManager::of(&environment).says("here");
        let mut bytes = [0; 64];
        let length = socket.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..length], b"STATUS=here");
    }
}
