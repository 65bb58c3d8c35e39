//! The command line.

mod capacity;
mod generations;
mod mcp;
mod repos;
mod search;
mod setup;
mod trace;
mod tune;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub(crate) use capacity::Capacity;
pub(crate) use generations::{Generations, Switch};
pub(crate) use mcp::{Client, Install, Mcp, McpCommand};
pub(crate) use repos::{Add, Named, Repos, ReposList, ReposSort, ReposState};
pub(crate) use search::Search;
pub(crate) use setup::Setup;
pub(crate) use trace::Trace;
pub(crate) use tune::{Reload, Tune};
use values::{priority, time};

/// The heading of what every command takes: below a command's own options.
const GLOBAL: &str = "Global options";

/// Keeps a cache of repository context warm for AI agents.
#[derive(Debug, Parser)]
#[command(name = "warmer", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// A configuration file, over the machine's and the user's own
    #[arg(long, global = true, value_name = "PATH", help_heading = GLOBAL)]
    pub(crate) config: Option<PathBuf>,
    /// One configuration value, over all files and variables; may be repeated
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE", help_heading = GLOBAL)]
    pub(crate) set: Vec<String>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// Reads a command line, or says what is wrong with it and ends the process.
    pub(crate) fn read(line: impl IntoIterator<Item = OsString>) -> Self {
        let matches = with_negative_numbers(Self::command()).get_matches_from(line);
        let read = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        if let Command::Tune(tune) = &read.command
            && let Some(stage) = tune.named_twice()
        {
            let wrong = format!("the stage {} is named twice: a pool has one size", stage.as_str());
            Self::command().error(ErrorKind::ValueValidation, wrong).exit();
        }
        read
    }
}

/// A negative number is a value wherever one is expected: so who refuses it names the argument that it was given to.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let value = |argument: clap::Arg| {
        let takes_values = argument.get_action().takes_values();
        argument.allow_negative_numbers(takes_values)
    };
    command.mut_args(value).mut_subcommands(with_negative_numbers)
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring repositories into the cache, or up to date
    Warm(Warm),
    /// Tell what it would cost to warm repositories: files, texts, tokens, time, price; nothing is stored but mirrors
    Plan(Plan),
    /// Keep the followed repositories warm, until SIGTERM or Ctrl-C
    Run,
    /// The repositories that are followed
    #[command(subcommand)]
    Repos(Repos),
    /// Put a followed repository in the queue now, paused or not; a `warmer run` warms it
    Enqueue(Enqueue),
    /// Find code by words, names and meaning
    Search(Search),
    /// List a repository's entries, or one file's chunks
    Show(Show),
    /// Let an agent search and read, by the Model Context Protocol over stdin and stdout. It may ask for every
    /// repository of the database
    Mcp(Mcp),
    /// The queue in five lines, and who works on it
    Status(Status),
    /// The queue's jobs and how their attempts ended
    #[command(subcommand)]
    Jobs(Jobs),
    /// Where the time of a job's attempts went, stage by stage
    Trace(Trace),
    /// The models that vectors are made by, and which one searches use
    #[command(subcommand)]
    Generations(Generations),
    /// Tell how many slots and instances a demand needs, and what each of them takes
    Capacity(Capacity),
    /// Set the sizes of pools of running instances for a while, and tell how they did before and meanwhile
    Tune(Tune),
    /// Have running instances read their own configuration again
    Reload(Reload),
    /// Remove what no repository uses any more: marked at first, deleted by a later `warmer gc`
    Gc(Gc),
    /// Get the default model and the ONNX Runtime, where this program did not come with them
    Setup(Setup),
    /// Check everything Warmer needs, and say how to get what is missing
    Doctor(Doctor),
    /// Ask the `warmer run` of this machine whether it lives, for the health check of a container: exit with 0 or 1
    Healthcheck(Healthcheck),
    /// The configuration
    #[command(subcommand)]
    Config(Config),
    /// Run the one job that stdin names; started by a pipeline
    #[command(hide = true)]
    JobChild,
    /// Does git's work for another `warmer`, which talks to it
    #[command(hide = true)]
    GitWorker {
        /// Bytes of memory that it may take
        memory: u64,
    },
}

/// `warm`
#[derive(Clone, Debug, Args)]
pub(crate) struct Warm {
    /// Paths or URLs of repositories
    #[arg(required = true, value_name = "PATH|URL")]
    pub(crate) repositories: Vec<String>,
    /// The branch, tag or full ref to follow instead of the remote's HEAD
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// Check everything against the remote again, mend what is damaged, and embed again what could not be embedded
    #[arg(long)]
    pub(crate) full: bool,
    /// End as soon as it is served; its vectors are made by a running instance, or the next warm
    #[arg(long)]
    pub(crate) no_fill: bool,
    /// The summary as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// `plan`
#[derive(Clone, Debug, Args)]
pub(crate) struct Plan {
    /// Paths or URLs of repositories
    #[arg(required = true, value_name = "PATH|URL")]
    pub(crate) repositories: Vec<String>,
    /// The branch, tag or full ref instead of the remote's HEAD
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// The same as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `enqueue`
#[derive(Clone, Debug, Args)]
pub(crate) struct Enqueue {
    /// The repository: its name, URL or path
    #[arg(value_name = "NAME|URL|PATH")]
    pub(crate) repository: String,
    /// Which of its followed refs is meant, as it was written when it was added
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// Higher is earlier; each step counts like five minutes of waiting. Default: the repository's own priority
    #[arg(long, value_name = "P", value_parser = priority())]
    pub(crate) priority: Option<i32>,
    /// Check everything against the remote again, and embed again what could not be embedded
    #[arg(long)]
    pub(crate) full: bool,
}

/// `show`
#[derive(Clone, Debug, Args)]
pub(crate) struct Show {
    /// The repository: its name, URL or path
    pub(crate) repository: String,
    /// A file of it, as it is listed
    pub(crate) path: Option<String>,
    /// Which of its followed refs is meant, as it was written when it was added
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// The same as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `status`
#[derive(Clone, Debug, Args)]
pub(crate) struct Status {
    /// The same as JSON, with more figures
    #[arg(long)]
    pub(crate) json: bool,
    /// For monitoring: exit with 1, and say why, where nobody works on what is due, something has been due for too
    /// long, or a repository is in quarantine
    #[arg(long)]
    pub(crate) check: bool,
    /// With --check: how long a job or a repository may have been due
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = time)]
    pub(crate) overdue_max: Duration,
    /// Again every two seconds, until Ctrl-C
    #[arg(long, conflicts_with_all = ["check", "json"])]
    pub(crate) watch: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Jobs {
    /// The queued and running jobs, and the last attempts
    List(JobsList),
    /// One job and its attempts
    Show {
        /// The job's number
        #[arg(value_parser = job_number)]
        id: i64,
        /// The same as JSON
        #[arg(long)]
        json: bool,
    },
    /// Try again now: one that waits, or a repository that is dead or in quarantine
    Retry {
        /// The job's number, or the repository's name, URL or path
        #[arg(value_name = "JOB|REPOSITORY")]
        what: String,
        /// Which of its followed refs is meant, as it was written when it was added
        #[arg(long = "ref", value_name = "REF")]
        reference: Option<String>,
    },
    /// Take a job out: a queued one at once, a running one within seconds
    Cancel {
        /// The job's number
        #[arg(value_parser = job_number)]
        id: i64,
    },
}

/// `jobs list`
#[derive(Clone, Debug, Args)]
pub(crate) struct JobsList {
    /// Only attempts that ended by an error or a crash, and jobs whose attempt before did
    #[arg(long)]
    pub(crate) failed: bool,
    /// The checks that found nothing new, too: the latest of each repository, and those of the last ten minutes
    #[arg(long, conflicts_with = "failed")]
    pub(crate) all: bool,
    /// Only of this repository: its name, URL or path
    #[arg(long, value_name = "NAME|URL|PATH")]
    pub(crate) repo: Option<String>,
    /// Only attempts that ended, and jobs that were queued, within this time, for example `2h`
    #[arg(long, value_name = "DURATION", value_parser = time)]
    pub(crate) since: Option<Duration>,
    /// At most so many of each. Default: all jobs, and the 20 latest attempts
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// The same as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn job_number(text: &str) -> Result<i64, &'static str> {
    text.parse().map_err(|_| "expected a job's number: `warmer jobs list` tells them")
}

/// `gc`
#[derive(Clone, Debug, Args)]
pub(crate) struct Gc {
    /// Only count what would be removed
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The counts as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `doctor`
#[derive(Clone, Debug, Args)]
pub(crate) struct Doctor {
    /// The findings as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `healthcheck`
#[derive(Clone, Debug, Args)]
pub(crate) struct Healthcheck {
    /// What to ask instead of /livez at admin.health_listen, else at admin.listen
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Config {
    /// Find the mistakes in the configuration, or in FILE laid over it
    Check {
        /// A file to check instead of the one named by --config
        file: Option<PathBuf>,
        /// The findings as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print all values in force, and the origin of each that is not a default
    Show {
        /// The same as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON Schema (draft-07)
    Schema,
}
