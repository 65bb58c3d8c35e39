//! `warmer config check|show|schema`: the only command that may meet a configuration that does not load.

use std::path::Path;

use serde_json::json;

use crate::args::{Arguments, Config};
use crate::config::{self, Loaded, Origins, Problems};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output;
use crate::telemetry::Variables;

/// Runs the command. `loaded` is what the process was started with.
pub(crate) fn run(
    command: &Config,
    arguments: &Arguments,
    environment: &Environment,
    loaded: Result<Loaded, Problems>,
) -> anyhow::Result<Exit> {
    match command {
        Config::Check { file, json } => {
            let checked = match file {
                Some(file) => config::load(environment, Some(file), &arguments.set),
                None => loaded,
            };
            check(checked, environment, file.as_deref(), *json)
        }
        Config::Show { json: false } => output::print(&config::show(&loaded?)).map(|()| Exit::Done),
        Config::Show { json: true } => output::print_json(&Origins::from(&loaded?)).map(|()| Exit::Done),
        Config::Schema => output::print_json(&config::schema()).map(|()| Exit::Done),
    }
}

fn check(
    checked: Result<Loaded, Problems>,
    environment: &Environment,
    file: Option<&Path>,
    json: bool,
) -> anyhow::Result<Exit> {
    let checked = checked.and_then(|Loaded { config, warnings, .. }| {
        config.git_options(environment)?;
        config.webhook_secrets(environment)?;
        Variables::read(environment).map_err(Problems::of_variables)?;
        let never = config::not_allowed(&config);
        if never.is_empty() { Ok(warnings) } else { Err(Problems(never)) }
    });
    if json {
        let (warnings, problems) = match &checked {
            Ok(warnings) => (warnings.clone(), Vec::new()),
            Err(problems) => (Vec::new(), problems.0.iter().map(ToString::to_string).collect()),
        };
        output::print_json(&json!({ "ok": checked.is_ok(), "problems": problems, "warnings": warnings }))?;
        return Ok(if checked.is_ok() { Exit::Done } else { Exit::Config });
    }
    for warning in checked? {
        output::note(&format!("warning: {warning}"));
    }
    let what = file.map_or_else(|| "the configuration".to_owned(), |file| file.display().to_string());
    output::print(&format!("{what} is valid\n"))?;
    Ok(Exit::Done)
}
