//! What the types cannot say: keys that depend on each other, texts with a grammar of their own, and warnings.

use std::net::SocketAddr;

use tracing_subscriber::EnvFilter;

use super::load::Valued;
use super::problem::{Place, Problem};
use super::sections::{Claimer, Credential, Supervision, Webhooks, is_postgres};
use super::{Config, HookHost, Repository, into};

/// Jobs in flight above which a process is warned.
const CONCURRENCY_WARNED: usize = 32;

/// Everything that is wrong although each value suits its key.
pub(super) fn check(config: &Config, values: &[Valued]) -> Vec<Problem> {
    let mut found = Findings { values, problems: Vec::new() };
    database(config, &mut found);
    claimer(&config.claimer, &mut found);
    webhooks(&config.webhooks, &mut found);
    git(config, &mut found);
    content(config, &mut found);
    supervision(&config.supervision, &mut found);
    if let Err(error) = EnvFilter::try_new(&config.telemetry.log) {
        found
            .add("telemetry.log", format!("expected a level or directives such as \"info,warmer_git=debug\": {error}"));
    }
    found.problems
}

/// Repositories that this process could never fetch. Its fleet may: it starts all the same.
pub(crate) fn not_allowed(config: &Config) -> Vec<Problem> {
    let problem = |repository: &Repository| {
        let message = config.git.allows(&repository.remote().ok()?).err()?;
        Some(Problem { place: repository.place.clone(), key: "repositories.url".to_owned(), message })
    };
    config.repositories.iter().filter_map(problem).collect()
}

/// What is allowed but probably not meant.
pub(super) fn warnings(config: &Config) -> Vec<String> {
    let concurrency = config.claimer.concurrency.get();
    let mut warnings = Vec::new();
    if concurrency > CONCURRENCY_WARNED {
        warnings.push(format!(
            "claimer.concurrency is {concurrency}: above {CONCURRENCY_WARNED} jobs in flight the stages do not become \
             faster, while each holds a claim and memory of its own; run another instance instead"
        ));
    }
    if concurrency.min(config.fetcher.workers.get()) == 1 {
        let key = if concurrency == 1 { "claimer.concurrency" } else { "fetcher.workers" };
        warnings.push(format!(
            "{key} is 1: there is one place for all jobs, so the checks of other repositories wait while one is warmed; \
             with 2 or more one place is left to them"
        ));
    }
    warnings.extend(not_allowed(config).iter().map(ToString::to_string));
    warnings
}

struct Findings<'a> {
    values: &'a [Valued],
    problems: Vec<Problem>,
}

impl Findings<'_> {
    /// Notes a mistake at the place where the key got its value.
    fn add(&mut self, key: &str, message: impl Into<String>) {
        let mine = |valued: &&Valued| key.split_once('.') == Some((&valued.section, &valued.key));
        let place = self.values.iter().find(mine).map_or(Place::Defaults, |valued| valued.place.clone());
        self.problems.push(Problem { place, key: key.to_owned(), message: message.into() });
    }
}

fn database(config: &Config, found: &mut Findings<'_>) {
    let database = &config.database;
    let (url, lock_url) = (database.url.expose(), database.lock_url.expose());
    let sqlite = database.sqlite_file().is_some_and(|path| !path.as_os_str().is_empty());
    if !url.is_empty() && !sqlite && !is_postgres(url) {
        let expected = "expected \"sqlite:PATH\", \"postgres://USER@HOST:PORT/DATABASE\", or \"\" for the file in the data directory";
        found.add("database.url", expected);
    }
    let both = is_postgres(url) && is_postgres(lock_url);
    if !lock_url.is_empty() && !both {
        found.add("database.lock_url", "expected \"postgres://...\" beside a database.url of the same kind, or \"\"");
    }
}

fn webhooks(webhooks: &Webhooks, found: &mut Findings<'_>) {
    let sources = HookHost::ALL.map(|host| (host, webhooks.source(host)));
    for (host, (variable, file)) in sources {
        if !variable.is_empty() && !file.is_empty() {
            found.add(&format!("webhooks.{}_file", host.key()), "expected either a variable or a file");
        }
    }
    if webhooks.listen.is_empty() {
        return;
    }
    if webhooks.listen.parse::<SocketAddr>().is_err() {
        found.add("webhooks.listen", "expected an address and a port such as \"0.0.0.0:8320\", or \"\"");
    }
    if sources.iter().all(|(_, (variable, file))| variable.is_empty() && file.is_empty()) {
        let keys = HookHost::ALL.map(|host| format!("{0}_env, {0}_file", host.key())).join(", ");
        let message = format!("nobody could be trusted: name the variable or file of a secret by one of {keys}");
        found.add("webhooks.listen", message);
    }
}

fn claimer(claimer: &Claimer, found: &mut Findings<'_>) {
    if claimer.retry_first > claimer.retry_most {
        found.add("claimer.retry_first", "expected no more than claimer.retry_most");
    }
}

fn git(config: &Config, found: &mut Findings<'_>) {
    if config.git.protocols.is_empty() {
        found.add("git.protocols", "expected at least one of \"file\", \"https\", \"http\", \"ssh\"");
    }
    for credential in &config.git.credentials {
        if let Err(message) = credential_is_whole(credential) {
            found.add("git.credentials", message);
        }
    }
}

fn credential_is_whole(credential: &Credential) -> Result<(), String> {
    let host = &credential.host;
    if host.is_empty() || host.contains(['/', '@']) {
        return Err("host: expected a host name such as \"git.example.com\", with `:port` where needed".to_owned());
    }
    match (&credential.token_env, &credential.token_file) {
        (Some(_), None) | (None, Some(_)) => Ok(()),
        _ => Err(format!("for host {host}: expected either token_env or token_file")),
    }
}

fn content(config: &Config, found: &mut Findings<'_>) {
    if let Some((key, message)) = into::bad_rules(&config.content) {
        found.add(key, message);
    }
    // The header alone may need some 20 tokens; below that a chunk could not hold a single line.
    if config.content.chunk_tokens.get() < 32 {
        found.add("content.chunk_tokens", "expected at least 32");
    }
    if config.content.chunk_bytes.get() < 128 {
        found.add("content.chunk_bytes", "expected at least 128");
    }
}

fn supervision(supervision: &Supervision, found: &mut Findings<'_>) {
    if supervision.first_delay > supervision.most_delay {
        found.add("supervision.first_delay", "expected no more than supervision.most_delay");
    }
}
