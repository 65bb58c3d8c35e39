//! `warmer doctor`: everything Warmer needs, found or missing, and how to get it.

mod collector;
mod finding;
mod model;
mod programs;
mod storage;

use warmer_serve::{Exposure, check_certificate};

use crate::args;
use crate::config::Config;
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{self, Colour, Style, printable_line};
use finding::{Finding, State};

/// Runs the command.
pub(crate) async fn run(context: &Context, doctor: args::Doctor) -> anyhow::Result<Exit> {
    let mut findings = vec![configuration(context), storage::data(&context.paths.data, &context.config.database)];
    findings.push(storage::database(context).await);
    findings.extend(programs::check(&context.config.git));
    findings.extend(model::check(context).await);
    findings.push(collector::check(&context.environment));

    let failed = findings.iter().any(|finding| finding.state == State::Fail);
    if doctor.json {
        output::print_json(&serde_json::json!({ "ok": !failed, "checks": findings }))?;
    } else {
        output::print(&text(&findings, Style::of_stdout(&context.environment)))?;
    }
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

/// A line for each finding; a long one goes on below itself.
fn text(findings: &[Finding], style: Style) -> String {
    const INDENT: &str = "                      ";
    let mut text = style.paint("STATE  CHECK          FINDING", Colour::Bold) + "\n";
    for Finding { name, state, detail } in findings {
        let (state, colour) = match state {
            State::Ok => ("ok", Colour::Green),
            State::Warn => ("warn", Colour::Yellow),
            State::Fail => ("fail", Colour::Red),
        };
        let detail = style.wrapped(&printable_line(detail), INDENT);
        let state = style.paint(&format!("{state:<5}"), colour);
        text.push_str(&format!("{state}  {name:<14} {}", &detail[INDENT.len()..]));
    }
    text
}

/// The configuration loaded, or no command would run; what is left are tokens and warnings.
fn configuration(context: &Context) -> Finding {
    const NAME: &str = "configuration";
    let secrets = context.config.git_options(&context.environment).map(drop);
    let secrets = secrets.and(context.config.webhook_secrets(&context.environment).map(drop));
    let certificates = certificates(&context.config);
    if !certificates.is_empty() {
        return Finding::fail(NAME, certificates.join("; "));
    }
    match (secrets, &context.warnings[..]) {
        (Err(problems), _) => {
            let problems: Vec<_> = problems.0.iter().map(ToString::to_string).collect();
            Finding::fail(NAME, problems.join("; "))
        }
        (Ok(()), []) => Finding::ok(NAME, "every key is valid; `warmer config show` prints what is in force"),
        (Ok(()), warnings) => Finding::warn(NAME, warnings.join("; ")),
    }
}

/// What is wrong with the certificates of the listeners.
fn certificates(config: &Config) -> Vec<String> {
    let wrong = |exposure: Exposure<'_>| {
        let error = check_certificate(exposure).err()?;
        Some(format!("{}.tls_certificate: {error}", exposure.name))
    };
    [config.admin.exposure(), config.webhooks.exposure()].into_iter().filter_map(wrong).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config_of;

    #[test]
    fn a_certificate_that_cannot_be_shown_is_named_with_its_listener() {
        let directory = tempfile::tempdir().unwrap();
        let (empty, missing) = (directory.path().join("empty.pem"), directory.path().join("missing.pem"));
        std::fs::write(&empty, "no certificate").unwrap();
        let (empty, missing) = (empty.display(), missing.display());
        let listener = |section: &str, certificate: &dyn std::fmt::Display| {
            format!("[{section}]\nlisten = \"127.0.0.1:0\"\ntls_certificate = \"{certificate}\"\ntls_key = \"k\"\n")
        };
        let webhooks = listener("webhooks", &missing) + "gitlab_token_env = \"T\"\n";
        let found = certificates(&config_of(&(listener("admin", &empty) + &webhooks)));
        let [admin, webhooks] = &found[..] else { panic!("{found:?}") };
        assert_eq!(*admin, format!("admin.tls_certificate: {empty} holds no whole certificate in PEM"));
        assert!(webhooks.starts_with(&format!("webhooks.tls_certificate: cannot read {missing}: ")), "{webhooks}");
        assert_eq!(certificates(&config_of("")), [""; 0], "a listener without one has none to show");
    }

    #[test]
    fn findings_are_one_line_each() {
        let findings = [Finding::ok("git", "git version 2"), Finding::fail("model", "not\nthere")];
        let expected =
            "STATE  CHECK          FINDING\nok     git            git version 2\nfail   model          not\\nthere\n";
        assert_eq!(text(&findings, Style::PLAIN), expected);
    }

    #[test]
    fn a_long_finding_goes_on_below_itself() {
        let findings = [Finding::warn("traces", "nothing answers there and spans will be lost for ever")];
        let text = text(&findings, Style { width: Some(60), coloured: false });
        let lines: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(lines[0], "warn   traces         nothing answers there and spans will");
        assert_eq!(lines[1].trim_start(), "be lost for ever");
        assert_eq!(lines[1].len() - lines[1].trim_start().len(), 22);
    }
}
