//! What is promised about the sections that only `warmer run` reads.

use std::path::Path;
use std::time::Duration;

use warmer_git::Remote;
use warmer_serve::webhooks::HookHost;

use super::repositories::Refresh;
use super::tests::{config_of, problems_of};
use super::{load, problem::Origin};
use crate::environment::Environment;

const REMOTE: &str = "[[repositories]]\nurl = \"https://git.example.com/team/app.git\"\n";

#[test]
fn a_repository_needs_no_more_than_its_url() {
    let config = config_of(REMOTE);
    let [repository] = &config.repositories[..] else { panic!("{config:?}") };
    assert_eq!(
        (&repository.refresh, repository.policy().rank, repository.references()),
        (&Refresh::Adaptive, 0, vec![None])
    );
    assert_eq!(repository.remote().unwrap().url(), "https://git.example.com/team/app.git");
    assert!(config_of("").repositories.is_empty());
}

#[test]
fn a_repository_says_which_refs_how_often_and_how_early() {
    let toml = format!("{REMOTE}refs = [\"main\", \"v2\"]\nrefresh = \"15m\"\npriority = 7\ninclude = [\"src/**\"]\n");
    let repository = config_of(&toml).repositories.remove(0);
    assert_eq!(repository.references(), [Some("main"), Some("v2")]);
    assert_eq!((&repository.refresh, repository.policy().rank), (&Refresh::Every(Duration::from_mins(15)), -7));
    assert_eq!(config_of(&format!("{REMOTE}refresh = \"never\"\n")).repositories[0].refresh, Refresh::Never);
}

#[test]
fn a_repository_may_be_checked_by_the_calendar_and_have_a_budget_of_staleness() {
    let toml = format!("{REMOTE}refresh = \"cron:0 6 * * MON-FRI Europe/Berlin\"\nstaleness_budget = \"26h\"\n");
    let policy = config_of(&toml).repositories[0].policy();
    assert_eq!(policy.staleness_budget, Some(Duration::from_hours(26)));
    let cron = "0 6 * * MON-FRI Europe/Berlin".parse().unwrap();
    assert_eq!(policy.refresh, Some(warmer_store::Refresh::Cron(cron)));
}

#[test]
fn windows_are_read_in_their_order_and_each_mistake_has_its_place() {
    let window = "[[windows]]\nfrom = \"07:00\"\nto = \"19:00\"\n";
    let toml = format!("{window}days = \"MON-FRI\"\ntime_zone = \"Europe/Berlin\"\nslots = 4\n{window}slots = 8\n");
    let windows: Vec<_> = config_of(&toml).settings().windows.iter().map(ToString::to_string).collect();
    let expected = ["4 slots from 07:00 to 19:00, MON-FRI, Europe/Berlin", "8 slots from 07:00 to 19:00, UTC"];
    assert_eq!(windows, expected);
    for (line, expected) in [
        ("slots = 0", "4:9: windows.slots: invalid value: integer `0`, expected a whole number above zero"),
        ("slots = 1\ndays = \"MO\"", "5:8: windows.days: the day of the week \"MO\" is wrong"),
        ("slots = 1\ntime_zone = \"Berlin\"", "5:13: windows.time_zone: there is no time zone \"Berlin\""),
        ("slots = 1\nspeed = 1", "5:1: windows: unknown field `speed`"),
        ("", "1:1: windows: missing field `slots`"),
    ] {
        let problems = problems_of(&format!("{window}{line}\n"));
        assert!(problems[0].starts_with(&format!("warmer.toml:{expected}")), "{line}: {problems:#?}");
    }
    let table = problems_of("[windows]\nslots = 1\n");
    assert!(table[0].starts_with("warmer.toml:1:2: windows: write [[windows]]"), "{table:#?}");
}

#[test]
fn all_mistakes_of_a_table_in_a_list_are_told_at_once() {
    let window = "[[windows]]\nfrom = \"7:00\"\ndays = \"MO\"\nspeed = 1\nslots = 0\n";
    let expected = [
        "1:1: windows: missing field `to`",
        "2:8: windows.from: \"7:00\" is no time of the day",
        "3:8: windows.days: the day of the week \"MO\" is wrong",
        "4:1: windows: unknown field `speed`",
        "5:9: windows.slots: invalid value: integer `0`",
    ];
    assert_told(window, &expected);
    let repository = "[[repositories]]\nrefresh = \"9s\"\npriority = 101\n";
    let expected = [
        "1:1: repositories: missing field `url`",
        "2:11: repositories.refresh: expected a duration of at least 10 s",
        "3:12: repositories.priority: expected a whole number from -100 to 100",
    ];
    assert_told(repository, &expected);
    let none_missing = "[[windows]]\nfrom = 7\nto = 19\nslots = \"1\"\n";
    let expected = ["2:8: windows.from: ", "3:6: windows.to: ", "4:9: windows.slots: "];
    assert_told(none_missing, &expected);
}

/// Just these mistakes, each by what its sentence begins with.
fn assert_told(toml: &str, expected: &[&str]) {
    let problems = problems_of(toml);
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, begins) in problems.iter().zip(expected) {
        assert!(problem.starts_with(&format!("warmer.toml:{begins}")), "{begins}: {problems:#?}");
    }
}

#[test]
fn mistakes_about_repositories_are_named_with_line_column_and_key() {
    for (line, expected) in [
        ("refresh = \"9s\"", "3:11: repositories.refresh: expected a duration of at least 10 s"),
        ("refresh = \"cron:0 25 * * *\"", "3:11: repositories.refresh: the hour \"25\" is wrong: expected 0 to 23"),
        ("staleness_budget = \"soon\"", "3:20: repositories.staleness_budget: invalid value: string \"soon\""),
        ("refresh = 15", "3:11: repositories.refresh: invalid type: integer `15`, expected a string"),
        ("priority = 101", "3:12: repositories.priority: expected a whole number from -100 to 100"),
        ("speed = 1", "3:1: repositories: unknown field `speed`"),
        ("ref = \"a\"\nrefs = [\"b\"]", "4:8: repositories.refs: expected either ref or refs"),
        ("refs = []", "3:8: repositories.refs: expected at least one"),
        ("exclude = [\"[\"]", "3:11: repositories.exclude: "),
    ] {
        let problems = problems_of(&format!("{REMOTE}{line}\n"));
        assert!(problems[0].starts_with(&format!("warmer.toml:{expected}")), "{line}: {problems:#?}");
    }
    let missing = problems_of("[[repositories]]\nref = \"main\"\n");
    assert!(missing[0].starts_with("warmer.toml:1:1: repositories: missing field `url`"), "{missing:#?}");
    let table = problems_of("[repositories]\nurl = \"https://a.example/b\"\n");
    assert!(table[0].starts_with("warmer.toml:1:2: repositories: write [[repositories]]"), "{table:#?}");
}

#[test]
fn a_url_with_a_secret_is_refused_at_its_place_and_not_repeated() {
    let problems = problems_of("[[repositories]]\nurl = \"https://me:hunter2@git.example.com/a\"\n");
    assert!(problems[0].starts_with("warmer.toml:2:7: repositories.url: the URL of git.example.com"), "{problems:#?}");
    assert!(!problems.concat().contains("hunter2"), "{problems:#?}");
}

/// As `--config warmer.toml` names it.
#[test]
fn a_path_counts_from_the_folder_of_its_file_though_that_has_no_name() {
    let mut config = config_of("[[repositories]]\nurl = \"src\"\n");
    config.repositories[0].origin = Origin::File { path: "warmer.toml".into(), line: 1, column: 1 };
    let here = Remote::parse("src", &std::env::current_dir().unwrap());
    assert_eq!(format!("{:?}", config.repositories[0].remote()), format!("{here:?}"));
}

#[test]
fn the_same_remote_and_ref_twice_is_named_with_both_lines() {
    let problems = problems_of(&format!("{REMOTE}ref = \"main\"\n\n{REMOTE}refs = [\"v2\", \"main\"]\n"));
    let both = "warmer.toml:5:1: repositories: https://git.example.com/team/app.git main is named at ";
    assert!(
        problems[0].starts_with(both) && problems[0].ends_with("warmer.toml:1:1 already: keep one"),
        "{problems:#?}"
    );
}

#[test]
fn a_path_that_holds_no_repository_now_is_no_mistake_of_the_file() {
    let repository = config_of("[[repositories]]\nurl = \"nowhere\"\n").repositories.remove(0);
    let error = repository.remote().unwrap_err().to_string();
    assert!(error.contains("/nowhere"), "{error}");
}

#[test]
fn pauses_may_be_nothing_and_slots_without_limit() {
    let config = config_of(
        "[claimer]\nslots = 0\nstart_delay = \"0s\"\nstart_jitter = \"0s\"\n[scheduler]\nlist_pause = \
        \"0s\"\n[shutdown]\ngrace = \"0s\"\n",
    );
    assert_eq!(config.claimer.slots, 0);
    assert!(config.claimer.start_delay.is_zero() && config.shutdown.grace.is_zero());
    let defaults = config_of("");
    assert_eq!(defaults.claimer.start_delay, Duration::from_secs(15));
    assert_eq!(defaults.claimer.start_jitter, Duration::from_secs(30));
    assert_eq!((defaults.scheduler.list_batch, defaults.scheduler.list_pause.as_millis()), (500, 500));
    let problems = problems_of("[scheduler]\nspread = \"61m\"\n");
    assert!(problems[0].contains("2:1: scheduler.spread: expected no more than \"1h\""), "{problems:#?}");
}

#[test]
fn a_listener_without_a_secret_is_refused() {
    let problems = problems_of("[webhooks]\nlisten = \"127.0.0.1:8320\"\n");
    assert!(
        problems[0]
            .starts_with("warmer.toml:2:1: webhooks.listen: it is set but no secret is: set one of github_secret_env"),
        "{problems:#?}"
    );
    let problems = problems_of("[webhooks]\nlisten = \"8320\"\ngithub_secret_env = \"S\"\n");
    assert!(
        problems[0].starts_with("warmer.toml:2:1: webhooks.listen: expected an address and a port"),
        "{problems:#?}"
    );
    let problems = problems_of("[webhooks]\ngitlab_token_env = \"S\"\ngitlab_token_file = \"/s\"\n");
    assert!(problems[0].contains("webhooks.gitlab_token_file: expected either a variable or a file"), "{problems:#?}");
}

#[test]
fn a_listener_that_other_machines_reach_needs_tls_or_a_proxy_in_either_section() {
    for (section, more) in [("admin", ""), ("webhooks", "github_secret_env = \"S\"\n")] {
        let toml = format!("[{section}]\nlisten = \"0.0.0.0:8320\"\n{more}");
        let expected = format!("warmer.toml:2:1: {section}.listen: other machines reach this address");
        assert!(problems_of(&toml)[0].starts_with(&expected), "{:#?}", problems_of(&toml));
        config_of(&format!("{toml}tls_certificate = \"c\"\ntls_key = \"k\"\n"));
        config_of(&format!("{toml}behind_proxy = true\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\"]\n"));
        let toml = format!("{toml}behind_proxy = true\ntrusted_proxies = [\"10.0.0.0/33\"]\n");
        let problems = problems_of(&toml).concat();
        assert!(problems.contains(&format!("{section}.trusted_proxies: expected an address or a range")), "{problems}");
    }
    config_of("[admin]\nhealth_listen = \"0.0.0.0:8322\"\n");
    let same = problems_of("[admin]\nhealth_listen = \"127.0.0.1:8321\"\n");
    assert!(same[0].starts_with("warmer.toml:2:1: admin.health_listen: listen is the same"), "{same:#?}");
}

#[test]
fn metrics_are_told_to_other_machines_without_the_names_of_repositories() {
    config_of("[metrics]\nlisten = \"0.0.0.0:9464\"\n");
    config_of("[metrics]\nlisten = \"127.0.0.1:9464\"\nper_repository = true\n");
    let named = problems_of("[metrics]\nlisten = \"0.0.0.0:9464\"\nper_repository = true\n");
    assert!(
        named[0].starts_with("warmer.toml:2:1: metrics.listen: other machines would read there which"),
        "{named:#?}"
    );
    let odd = problems_of("[metrics]\nlisten = \"9464\"\n");
    assert!(odd[0].starts_with("warmer.toml:2:1: metrics.listen: expected an address and a port"), "{odd:#?}");
}

#[test]
fn webhook_secrets_come_from_variables_and_files() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "hunter2\n").unwrap();
    let path = file.path().display();
    let config = config_of(&format!("[webhooks]\ngithub_secret_file = \"{path}\"\ngitlab_token_env = \"A_TOKEN\"\n"));
    let secrets = config.webhook_secrets(&[("A_TOKEN", "hunter3")].into_iter().collect()).unwrap();
    assert_eq!(secrets.of(HookHost::GitHub).unwrap().expose(), "hunter2");
    assert_eq!(secrets.of(HookHost::GitLab).unwrap().expose(), "hunter3");
    assert!(!format!("{secrets:?}").contains("hunter"));
    let missing = config.webhook_secrets(&Environment::default()).unwrap_err().to_string();
    assert!(missing.contains("A_TOKEN: webhooks for GitLab: the variable with the token is not set"), "{missing}");
}

#[test]
fn every_example_is_right() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
    let right = |file: &Path| {
        let loaded = load(&Environment::default(), Some(file), &[]).unwrap();
        assert!(loaded.warnings.is_empty(), "{}: {:?}", file.display(), loaded.warnings);
        loaded.config
    };
    for example in std::fs::read_dir(config.join("examples")).unwrap().flatten() {
        right(&example.path());
    }
    assert_eq!(right(&config.join("examples/rolling-deploy.toml")).claimer.slots, 2);
    assert_eq!(right(&config.join("kubernetes/base/warmer.toml")).embedder.workers, 2);
}
