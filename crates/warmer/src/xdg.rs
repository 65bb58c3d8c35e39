//! The XDG base directories of the user.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::environment::Environment;

/// `$XDG_…/warmer`, else below the home directory.
///
/// # Errors
/// When neither is an absolute path.
pub(crate) fn base(environment: &Environment, variable: &str, below_home: &str) -> anyhow::Result<PathBuf> {
    let base = match environment.directory(variable) {
        Some(directory) => directory,
        None => {
            let home = environment.directory("HOME");
            home.with_context(|| format!("neither {variable} nor HOME names an absolute path"))?.join(below_home)
        }
    };
    Ok(base.join("warmer"))
}

/// The user's own configuration file, where there is a home to look in.
pub(crate) fn user_config(environment: &Environment) -> Option<PathBuf> {
    base(environment, "XDG_CONFIG_HOME", ".config").ok().map(|directory| directory.join("warmer.toml"))
}
