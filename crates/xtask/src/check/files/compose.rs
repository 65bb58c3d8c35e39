//! config/compose.yaml against the schema of Compose files.

use std::process::Command;

use anyhow::ensure;

use super::validators::Validators;
use super::verdict::{ask, counted};
use crate::check::counts::Counts;
use crate::workspace;

const FILE: &str = "config/compose.yaml";
const VALIDATOR: &str = "check_jsonschema";

pub(super) fn check(validators: &Validators) -> Counts {
    counted("Compose", "check-jsonschema --builtin-schema vendor.compose-spec", || {
        let text = std::fs::read_to_string(workspace::root().join(FILE))?;
        let verdict = ask(&mut validator(validators), &text)?;
        ensure!(verdict.good, "{FILE}:\n{}", verdict.said);
        let misspelt = text.replacen("depends_on:", "depend_on:", 1);
        ensure!(misspelt != text, "{FILE} has no `depends_on` to misspell");
        ensure!(!ask(&mut validator(validators), &misspelt)?.good, "a misspelt `depend_on` is not refused");
        Ok(())
    })
}

fn validator(validators: &Validators) -> Command {
    let mut command = validators.command(VALIDATOR);
    // YAML is a superset of JSON; stdin has no name that would tell.
    command.args(["--builtin-schema", "vendor.compose-spec", "--default-filetype", "yaml", "-"]);
    command
}
