//! The command line of `warmer generations`.

use clap::{Args, Subcommand};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Generations {
    /// List them: where each stands, and what of all that is served has its vectors
    List {
        /// The same as JSON
        #[arg(long)]
        json: bool,
    },
    /// Have searches use another one, once it has the vectors of all that is served
    Switch(Switch),
    /// Have searches use the model of before again; nothing comes back by itself then
    Rollback {
        /// The generations after it, as JSON
        #[arg(long)]
        json: bool,
    },
    /// Drop one that neither searches nor the fleet use; its vectors go with `warmer gc`
    Drop {
        /// The first digits of its ID, as `warmer generations list` has it
        #[arg(value_name = "ID")]
        id: String,
        /// The generations after it, as JSON
        #[arg(long)]
        json: bool,
    },
}

/// `generations switch`
#[derive(Clone, Debug, Args)]
pub(crate) struct Switch {
    /// The first digits of its ID, as `warmer generations list` has it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Whatever vectors are missing: what lacks one is found by its words alone until then
    #[arg(long)]
    pub(crate) now: bool,
    /// The generations after it, as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
