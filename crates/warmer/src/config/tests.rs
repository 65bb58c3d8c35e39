//! What is promised about the configuration, with real layers.

use std::path::PathBuf;

use super::manual::MANUAL;
use super::*;
use crate::environment::Environment;

/// The configuration of a file with this text and nothing else.
pub(crate) fn config_of(toml: &str) -> Config {
    Files::new(toml).load(&[], &[]).unwrap().config
}

/// A configuration file in a folder of its own.
struct Files {
    _folder: tempfile::TempDir,
    file: PathBuf,
}

impl Files {
    fn new(toml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("warmer.toml");
        std::fs::write(&file, toml).unwrap();
        Self { _folder: folder, file }
    }

    fn load(&self, variables: &[(&str, &str)], flags: &[&str]) -> Result<Loaded, Problems> {
        let flags: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        load(&variables.iter().copied().collect(), Some(&self.file), &flags)
    }

    /// The sentences of what is wrong, with the folder cut off.
    fn problems(&self, variables: &[(&str, &str)], flags: &[&str]) -> Vec<String> {
        let folder = format!("{}/", self.file.parent().unwrap().display());
        let problems = self.load(variables, flags).map(|_| ()).unwrap_err().0;
        problems.iter().map(|problem| problem.to_string().replace(&folder, "")).collect()
    }
}

pub(super) fn problems_of(toml: &str) -> Vec<String> {
    Files::new(toml).problems(&[], &[])
}

#[test]
fn the_manual_has_every_key_and_no_other() {
    let config = config_of("");
    assert_eq!(config, Config::default(), "the sections have the manual's defaults");
    let properties = schema()["properties"].as_object().unwrap().clone();
    let manual: toml::Table = toml::from_str(MANUAL).unwrap();
    assert_eq!(properties.keys().collect::<Vec<_>>(), manual.keys().collect::<Vec<_>>());
    for (section, keys) in &manual {
        let Some(keys) = keys.as_table() else {
            assert!(["repositories", "windows"].contains(&section.as_str()), "{section}");
            continue;
        };
        let keys: Vec<_> = keys.keys().collect();
        assert_eq!(
            properties[section]["properties"].as_object().unwrap().keys().collect::<Vec<_>>(),
            keys,
            "{section}"
        );
    }
}

#[test]
fn every_mistake_of_a_file_is_found_with_its_place() {
    let toml = "[claimer]\nconcurrency = 0\nstall = \"soon\"\nspeed = 9\n\n[hahser]\n[git]\n\
                protocols = [\"file\", \"ftp\"]\n\
                [fetcher]\nmailbox_size = 3\n";
    let problems = problems_of(toml);
    let found: Vec<_> =
        problems.iter().map(|problem| problem.split(": ").take(2).collect::<Vec<_>>().join(" ")).collect();
    let expected = [
        "warmer.toml:2:15 claimer.concurrency",
        "warmer.toml:3:9 claimer.stall",
        "warmer.toml:4:1 claimer.speed",
        "warmer.toml:6:2 hahser",
        "warmer.toml:8:22 git.protocols",
        "warmer.toml:10:16 fetcher.mailbox_size",
    ];
    assert_eq!(found, expected, "{problems:#?}");
}

#[test]
fn a_mistake_says_what_was_expected() {
    assert_eq!(
        problems_of("[claimer]\nstall = \"soon\""),
        ["warmer.toml:2:9: claimer.stall: invalid value: string \"soon\", expected a duration longer than nothing, \
          such as \"30s\" or \"1h 30m\""]
    );
    assert_eq!(
        problems_of("[storer]\nworkers = 0\n[hasher]\nworkers = -1\n[content]\nvendored = 1\n"),
        [
            "warmer.toml:2:11: storer.workers: invalid value: integer `0`, expected a whole number above zero, or \
             \"auto\"",
            "warmer.toml:4:11: hasher.workers: invalid value: integer `-1`, expected a whole number above zero, or \
             \"auto\"",
            "warmer.toml:6:12: content.vendored: invalid type: integer `1`, expected true or false",
        ]
    );
    assert_eq!(
        problems_of("[gc]\nmark_ag = \"1h\""),
        ["warmer.toml:2:1: gc.mark_ag: there is no such key; expected one of `every`, `mark_age`, `history`"]
    );
    assert_eq!(
        problems_of("runtime = 3"),
        ["warmer.toml:1:1: runtime: `runtime` is a section: write [runtime] and its keys below it"]
    );
}

#[test]
fn of_very_many_mistakes_the_first_are_told_and_that_there_are_more() {
    let keys: String = (0..5_000).map(|number| format!("k{number} = 1\n")).collect();
    let tables = "[[repositories]]\nspeed = 1\n".repeat(5_000);
    let sections: String = (0..5_000).map(|number| format!("[s{number}]\n")).collect();
    for text in [format!("[claimer]\n{keys}"), tables, sections, "[git]\nprotocols = ".to_owned() + &"[".repeat(5_000)]
    {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let told = load(&Environment::default(), Some(file.path()), &[]).unwrap_err().to_string();
        assert!(told.lines().count() <= 102, "{} lines: {:.300}", told.lines().count(), told);
    }
}

#[test]
fn globs_beyond_what_can_be_compiled_are_refused_before_they_are() {
    let many: Vec<_> = (0..9_000).map(|number| format!("\"**/a{number}/**\"")).collect();
    let many = many.join(", ");
    let content = problems_of(&format!("[content]\nexclude = [{many}]\n"));
    assert!(content[0].contains("content.exclude: expected at most 64 KiB of globs"), "{:.300}", content[0]);
    let own = problems_of(&format!("[[repositories]]\nurl = \"https://git.example.com/a\"\ninclude = [{many}]\n"));
    assert!(own[0].contains("repositories.include: expected at most 64 KiB of globs"), "{:.300}", own[0]);
}

#[test]
fn a_file_that_is_no_toml_is_told_with_its_place_but_not_with_its_text() {
    let problems = problems_of("[database]\nurl = \"postgres://u:hunter2@h/d\n");
    assert!(problems[0].starts_with("warmer.toml:2:"), "{problems:?}");
    assert!(!problems.concat().contains("hunter2"), "{problems:?}");
}

#[test]
fn a_named_file_that_is_missing_is_a_mistake() {
    let problems = load(&Environment::default(), Some("/nowhere/w.toml".as_ref()), &[]).map(|_| ()).unwrap_err();
    assert!(problems.to_string().contains("/nowhere/w.toml:1:1: the file cannot be read"), "{problems}");
    let variable = [("WARMER_CONFIG", "/nowhere/v.toml")].into_iter().collect();
    assert!(load(&variable, None, &[]).map(|_| ()).unwrap_err().to_string().contains("/nowhere/v.toml"));
}

#[test]
fn a_later_file_may_follow_nothing() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("warmer")).unwrap();
    std::fs::write(home.path().join("warmer/warmer.toml"), "[[repositories]]\nurl = \"https://h/a\"\n").unwrap();
    let variables = [("XDG_CONFIG_HOME", home.path().to_str().unwrap())];
    assert_eq!(Files::new("").load(&variables, &[]).unwrap().config.repositories.len(), 1);
    assert_eq!(Files::new("repositories = []\n").load(&variables, &[]).unwrap().config.repositories.len(), 0);
}

#[test]
fn later_layers_win_and_are_named_as_the_origin() {
    let files = Files::new("[claimer]\nconcurrency = 5\nslots = 7\n[storer]\nworkers = 3\n[hasher]\nworkers = 2\n");
    let variables = [
        ("WARMER__CLAIMER__CONCURRENCY", "6"),
        ("WARMER__STORER__WORKERS", "4"),
        ("KEEPTRUSTS_CACHE_WARMER_CONCURRENCY", "8"),
        ("WARMER__GIT__PROTOCOLS", "file, ssh"),
    ];
    let loaded = files.load(&variables, &["storer.workers=9"]).unwrap();
    assert_eq!(loaded.config.claimer.concurrency, 8);
    assert_eq!(loaded.config.storer.workers, 9);
    let shown = show(&loaded);
    let file = files.file.display();
    for line in [
        "concurrency = 8  # KEEPTRUSTS_CACHE_WARMER_CONCURRENCY".to_owned(),
        format!("slots = 7  # {file}:3:1"),
        "workers = 9  # --set".to_owned(),
        "protocols = [\"file\", \"ssh\"]  # WARMER__GIT__PROTOCOLS".to_owned(),
        "stall = \"10m\"".to_owned(),
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} is not in\n{shown}");
    }
    assert!(toml::from_str::<Config>(&shown).is_ok(), "what is shown is a configuration");
}

#[test]
fn variables_are_refused_like_keys_of_a_file() {
    let variables = [
        ("WARMER__CLAIMER__SPEED", "1"),
        ("WARMER__GC", "1"),
        ("WARMER__STORER__WORKERS", "many"),
        ("WARMER_PORT", "x"),
    ];
    let problems = Files::new("").problems(&variables, &["gc=1", "storer.workers=0"]);
    assert_eq!(problems.len(), 5, "{problems:#?}");
    assert!(problems[0].starts_with("WARMER__CLAIMER__SPEED: claimer.speed: there is no such key"), "{problems:#?}");
    assert_eq!(problems[1], "WARMER__GC: the name has no key: write WARMER__SECTION__KEY");
    assert!(
        problems.contains(&"--set: expected SECTION.KEY=VALUE, for example claimer.concurrency=8".to_owned()),
        "{problems:#?}"
    );
    let workers = "WARMER__STORER__WORKERS: storer.workers: invalid value: string \"many\"";
    assert!(problems.iter().any(|problem| problem.starts_with(workers)), "{problems:#?}");
}

#[test]
fn credentials_are_refused_one_by_one() {
    let toml = "[[git.credentials]]\nhost = \"a.example\"\nusername = \"u\"\ntoken = \"hunter2\"\n";
    let problems = problems_of(toml);
    assert!(problems[0].starts_with("warmer.toml:4:1: git.credentials: unknown field `token`"), "{problems:?}");
    assert!(!problems.concat().contains("hunter2"), "{problems:?}");
    let whole = ["credentials = \"u:hunter2\"", "credentials = [\"u:hunter2\"]"]
        .map(|text| problems_of(&format!("[git]\n{text}")));
    assert_eq!(whole[0], ["warmer.toml:2:15: git.credentials: expected a list"]);
    let table = "warmer.toml:2:16: git.credentials: expected a table with host, username, and token_env or token_file";
    assert_eq!(whole[1], [table]);
    let both = "[[git.credentials]]\nhost = \"a.example\"\nusername = \"u\"\n";
    assert!(problems_of(both)[0].ends_with("for host a.example: expected either token_env or token_file"));
}

#[test]
fn a_token_comes_from_its_variable_and_is_missed_by_name() {
    let config = config_of("[[git.credentials]]\nhost = \"a.example\"\nusername = \"u\"\ntoken_env = \"A_TOKEN\"\n");
    let options = config.git_options(&[("A_TOKEN", "hunter2")].into_iter().collect()).unwrap();
    assert_eq!(options.credentials.len(), 1);
    assert!(!format!("{options:?}{config:?}").contains("hunter2"));
    let missing = config.git_options(&Environment::default()).map(|_| ()).unwrap_err().to_string();
    assert!(
        missing.contains("A_TOKEN: git.credentials for a.example: the variable with the token is not set"),
        "{missing}"
    );
}

#[test]
fn keys_that_contradict_each_other_are_refused_where_they_were_written() {
    let toml = "[claimer]\nretry_first = \"2h\"\n[content]\ninclude = [\"[\"]\nchunk_size = 3\n[telemetry]\n\
                log = \"a=b=c\"\n";
    let problems = problems_of(toml);
    for origin in ["2:1: claimer.retry_first", "4:1: content.include", "5:1: content.chunk_size", "7:1: telemetry.log"]
    {
        assert!(problems.iter().any(|problem| problem.contains(origin)), "{origin} is not in {problems:#?}");
    }
}

#[test]
fn a_database_url_is_refused_without_being_repeated() {
    let problems = Files::new("").problems(&[("DATABASE_URL", "mysql://u:hunter2@db/x")], &[]);
    assert_eq!(
        problems,
        ["DATABASE_URL: database.url: expected \"sqlite:PATH\", \"postgres://USER@HOST:PORT/DATABASE\", or \"\" for \
             the file in the data directory"]
    );
    let config = config_of("[database]\nurl = \"sqlite:///srv/w.sqlite\"");
    assert_eq!(config.database.sqlite_file().unwrap(), PathBuf::from("/srv/w.sqlite"));
    let lock = "[database]\nlock_url = \"postgres://u:hunter2@db/x\"\n";
    let expected =
        "warmer.toml:2:1: database.lock_url: expected \"postgres://...\" beside a database.url of the same kind";
    assert!(problems_of(lock)[0].starts_with(expected), "{:?}", problems_of(lock));
}

#[test]
fn no_password_of_a_database_is_shown() {
    let toml = "[database]\nurl = \"postgres://u:hunter2@db/x\"\nlock_url = \"postgresql://u:hunter2@db:6000/x\"\n";
    let loaded = Files::new(toml).load(&[], &[]).unwrap();
    assert!(loaded.config.database.is_shared());
    let all =
        format!("{}{:?}{}", show(&loaded), loaded.config, serde_json::to_string(&Origins::from(&loaded)).unwrap());
    assert!(!all.contains("hunter2") && all.contains("@db:6000/x"), "{all}");
}

#[test]
fn more_than_32_jobs_in_flight_are_warned_about() {
    let loaded = |concurrency| Files::new(&format!("[claimer]\nconcurrency = {concurrency}")).load(&[], &[]).unwrap();
    assert!(loaded(32).warnings.is_empty());
    assert!(loaded(33).warnings[0].contains("claimer.concurrency is 33"));
}

#[test]
fn one_place_for_all_jobs_is_warned_about() {
    let loaded = |toml: &str| Files::new(toml).load(&[], &[]).unwrap().warnings;
    assert!(loaded("[claimer]\nconcurrency = 2\n[fetcher]\nworkers = 2").is_empty());
    assert!(loaded("[claimer]\nconcurrency = 1")[0].contains("claimer.concurrency is 1"));
    assert!(loaded("[fetcher]\nworkers = 1")[0].contains("fetcher.workers is 1"));
}

#[test]
fn the_schema_has_the_defaults_and_requires_nothing() {
    let schema = schema();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    let claimer = &schema["properties"]["claimer"];
    assert_eq!(claimer["properties"]["concurrency"]["default"], 4);
    assert!(schema.get("required").is_none() && claimer.get("required").is_none());
    let stall = "A job of which nothing was finished for this long is stalled: it is cancelled and tried again.";
    assert_eq!(claimer["properties"]["stall"]["description"], stall);
    assert_eq!(claimer["description"], "Takes jobs out of the queue and settles them.");
    let repositories = &schema["properties"]["repositories"];
    assert_eq!((&repositories["type"], &repositories["default"]), (&"array".into(), &serde_json::json!([])));
    assert!(repositories["description"].as_str().is_some_and(|text| text.starts_with("What `warmer run` keeps warm")));
    assert_eq!(repositories["items"]["required"], serde_json::json!(["url"]));
    let credential = &schema["properties"]["git"]["properties"]["credentials"]["items"];
    assert_eq!(credential["required"], serde_json::json!(["host", "username"]));
}
