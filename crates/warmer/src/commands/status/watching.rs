//! `warmer status --watch`: a picture after the other, also while the database does not answer.

use std::io::IsTerminal as _;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use warmer_query::{QueryError, Status};
use warmer_store::{Store, StoreError};

use crate::args;
use crate::commands::reading::{self, ALL};
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{self, Style, duration, printable_line};

/// How long a picture stands, and how long a database is waited for before it is told that it does not answer.
const WATCH: Duration = Duration::from_secs(2);
/// The cursor goes to the upper left, and what is there goes.
const HOME_AND_CLEAR: &str = "\u{1b}[H\u{1b}[2J";

/// Shows it until something ends it: a signal, a reader that is gone, or an error that does not pass by itself.
pub(super) async fn watch(
    context: &Context,
    store: &dyn Store,
    arguments: &args::Status,
    draw: fn(&Context, &Status) -> String,
) -> anyhow::Result<Exit> {
    let mut screen = Screen { picture: String::new(), told: false };
    let mut answered = Instant::now();
    loop {
        let mut look = pin!(Status::of(store, ALL, arguments.overdue_max));
        let status = loop {
            match timeout(WATCH, &mut look).await {
                Ok(status) => break status,
                Err(_) => screen.silent(context, answered.elapsed(), None)?,
            }
        };
        match status {
            Ok(status) => {
                answered = Instant::now();
                screen.show(draw(context, &status))?;
            }
            Err(QueryError::Store(error)) if error.is_temporary() => {
                screen.silent(context, answered.elapsed(), Some(&error))?;
            }
            Err(error) => return Err(reading::failed(error)),
        }
        tokio::time::sleep(WATCH).await;
    }
}

/// A terminal has one picture, which changes; whoever reads lines gets one after the other.
struct Screen {
    picture: String,
    /// Whoever reads lines was told that the database does not answer.
    told: bool,
}

impl Screen {
    fn show(&mut self, picture: String) -> anyhow::Result<()> {
        self.told = false;
        self.picture = picture;
        match std::io::stdout().is_terminal() {
            true => output::print(&format!("{HOME_AND_CLEAR}{}", self.picture)),
            false => output::print(&format!("{}\n", self.picture)),
        }
    }

    /// The picture of before stays, with how old it is. Whoever reads lines is told once for each time.
    fn silent(&mut self, context: &Context, time: Duration, why: Option<&StoreError>) -> anyhow::Result<()> {
        let line = silence(time, why);
        if std::io::stdout().is_terminal() {
            let line = Style::of_stdout(&context.environment).wrapped(&line, "");
            return output::print(&format!("{HOME_AND_CLEAR}{}\n{line}", self.picture));
        }
        if !self.told {
            self.told = true;
            output::note(&line);
        }
        Ok(())
    }
}

fn silence(time: Duration, why: Option<&StoreError>) -> String {
    let why = why.map(|why| format!(": {}", printable_line(&why.to_string()))).unwrap_or_default();
    format!("the database has not answered for {}{why}", duration(time))
}

#[cfg(test)]
mod tests {
    use warmer_store::StoreErrorKind;

    use super::*;

    #[test]
    fn a_database_that_is_silent_is_told_with_for_how_long_and_why() {
        let time = Duration::from_millis(8_900);
        assert_eq!(silence(time, None), "the database has not answered for 8s");
        let down = StoreError::new(StoreErrorKind::Busy, "the database w\u{1b}[2J is down");
        assert_eq!(
            silence(time, Some(&down)),
            "the database has not answered for 8s: the database w\\u{1b}[2J is down"
        );
    }
}
