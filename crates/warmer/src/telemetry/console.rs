//! The way of log lines to stderr. While progress bars are drawn, whoever draws them takes the lines.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

type Hook = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// Where log lines go. Clones are the same console.
#[derive(Clone, Default)]
pub(crate) struct Console(Arc<Mutex<Option<Hook>>>);

impl Console {
    /// Hands every log line to `hook` until the guard is dropped; the hook writes it to stderr between two drawings.
    pub(crate) fn hook(&self, hook: impl Fn(&[u8]) + Send + Sync + 'static) -> Hooked {
        self.set(Some(Arc::new(hook)));
        Hooked(self.clone())
    }

    fn set(&self, hook: Option<Hook>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = hook;
    }
}

/// Log lines go through a hook while this lives.
#[must_use]
pub(crate) struct Hooked(Console);

impl Drop for Hooked {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

impl<'a> MakeWriter<'a> for Console {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        // The hook is taken out of the lock: it may itself log, or wait for the terminal.
        Line(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// One log line on its way.
pub(crate) struct Line(Option<Hook>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &self.0 {
            Some(hook) => hook(bytes),
            None => io::stderr().lock().write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_through_the_hook_while_its_guard_lives() {
        let (console, seen) = (Console::default(), Arc::new(Mutex::new(Vec::new())));
        let hooked = console.hook({
            let seen = Arc::clone(&seen);
            move |line| seen.lock().unwrap().extend_from_slice(line)
        });
        console.make_writer().write_all(b"a line\n").unwrap();
        drop(hooked);
        assert_eq!(*seen.lock().unwrap(), b"a line\n");
        assert!(console.make_writer().0.is_none());
    }
}
