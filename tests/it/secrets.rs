//! A secret is nowhere: not in the output, the logs, the spans or any file below the home directory (W-12).

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use warmer_tests::{Engine, GIT, Need, Ran, Repo, Server, Traces, Warmer, needs};

/// Not a word of any other text.
const SECRET: &str = "ghp-Zq7Vx2Kw9Tn4Lr";

/// No file below here has the secret in it, except those named.
fn assert_no_file_has_it(directory: &Path, except: &[&Path]) {
    for entry in std::fs::read_dir(directory).expect("a readable directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            assert_no_file_has_it(&path, except);
        } else if path.is_file() && !except.contains(&path.as_path()) {
            let bytes = std::fs::read(&path).expect("a readable file");
            let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
            assert!(!found, "{} has it", path.display());
        }
    }
}

fn assert_nowhere(warmer: &Warmer, ran: &Ran, traces: &Traces, except: &[&Path]) {
    ran.never_says(SECRET);
    let spans = format!("{:?}", traces.spans());
    assert!(!spans.contains(SECRET), "{spans}");
    assert_no_file_has_it(warmer.home(), except);
}

/// Everything logged, everything traced.
fn talkative(traces: &Traces) -> Warmer {
    let mut warmer = Warmer::toy();
    warmer.set("git.protocols", r#"["file", "https", "http", "ssh"]"#).set("telemetry.log", r#""trace""#);
    warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint());
    warmer
}

/// Everything below here that others than its owner may read or enter.
fn open_to_others(path: &Path) -> Vec<String> {
    let metadata = path.symlink_metadata().expect("it is there");
    let mode = metadata.permissions().mode();
    let mut open = Vec::new();
    if mode & 0o077 != 0 {
        open.push(format!("{} {:o}", path.display(), mode & 0o777));
    }
    if metadata.is_dir() {
        for entry in std::fs::read_dir(path).expect("a readable directory").flatten() {
            open.extend(open_to_others(&entry.path()));
        }
    }
    open
}

#[test]
fn the_data_directory_and_all_in_it_are_its_owners_alone_whichever_command_came_first() {
    needs!(GIT, Need::Runtime);
    for engine in Engine::all() {
        for command in [&["warm"][..], &["repos", "add"]] {
            let (repo, warmer) = (Repo::generated(2, 300, 1), engine.warmer());
            std::fs::remove_dir_all(warmer.data().parent().expect("below the home")).expect("our own directory");
            let path = repo.path().display().to_string();
            warmer.run(command.iter().copied().chain([path.as_str()])).exits(0);
            if warmer.data().exists() {
                assert_eq!(open_to_others(&warmer.data()), Vec::<String>::new());
            }
        }
    }
}

#[test]
fn a_url_with_a_secret_is_refused_and_not_repeated() {
    needs!(GIT, Need::Runtime);
    let traces = Traces::receive();
    let (repo, warmer) = (Repo::generated(1, 100, 1), talkative(&traces));
    let server = Server::serve(repo.path());
    for url in [
        format!("http://me:{SECRET}@{}/project.git", server.host()),
        format!("http://{SECRET}@{}/project.git", server.host()),
        format!("https://me:{SECRET}@127.0.0.1:1/project.git"),
        format!("ssh://git:{SECRET}@127.0.0.1:1/project.git"),
    ] {
        for json in [&["warm"][..], &["warm", "--json"]] {
            let ran = warmer.run(json.iter().copied().chain([url.as_str()]));
            assert!(!matches!(ran.code, Some(0) | None), "{ran:?}");
            ran.says("credentials");
            assert_nowhere(&warmer, &ran, &traces, &[]);
        }
    }
    assert_eq!(server.asked().capabilities, 0, "not even asked");
}

#[test]
fn a_password_in_a_url_with_a_slip_of_the_pen_is_not_repeated() {
    let traces = Traces::receive();
    let warmer = talkative(&traces);
    let database = warmer.run(["repos", "add", "https://git.example.com/team/app"]);
    database.exits(0);
    for slip in [
        "https//me:S@h.example/x",
        "//me:S@h.example/x",
        "https:/me:S@h.example/x",
        "me:S@h.example/x",
        "h.example/x?token=S",
    ] {
        let slip = slip.replace('S', SECRET);
        for command in [
            &["warm"][..],
            &["repos", "add"],
            &["repos", "remove"],
            &["enqueue"],
            &["show"],
            &["search", "text", "--repo"],
        ] {
            let ran = warmer.run(command.iter().copied().chain([slip.as_str()]));
            assert!(!matches!(ran.code, Some(0) | None), "{ran:?}");
            assert_nowhere(&warmer, &ran, &traces, &[]);
        }
        let file = warmer.home().join("slip.toml");
        std::fs::write(&file, format!("[[repositories]]\nurl = \"{slip}\"\n")).expect("a writable home");
        let path = file.display().to_string();
        assert_nowhere(&warmer, &warmer.run(["--config", &path, "config", "check"]), &traces, &[&file]);
        std::fs::remove_file(&file).expect("it is ours");
    }
}

#[test]
fn a_token_is_nowhere() {
    needs!(GIT, Need::Runtime);
    let traces = Traces::receive();
    let (repo, mut warmer) = (Repo::generated(3, 500, 1), talkative(&traces));
    let server = Server::serve(repo.path());
    server.require("reader", SECRET);
    let file = warmer.home().join("token");
    std::fs::write(&file, SECRET).expect("a writable home");
    warmer.env("GIT_TOKEN", SECRET);
    for source in [format!("token_file = '{}'", file.display()), "token_env = \"GIT_TOKEN\"".to_owned()] {
        let credentials = format!("[{{ host = '{}', username = 'reader', {source} }}]", server.host());
        warmer.set("git.credentials", credentials);
        for arguments in [&["warm", &server.url()][..], &["config", "show"], &["config", "show", "--json"], &["doctor"]]
        {
            let ran = warmer.run(arguments);
            assert_nowhere(&warmer, &ran, &traces, &[&file]);
        }
    }
    assert!(server.asked().refused > 0, "a token is not sent in the clear");
}

#[test]
fn a_database_password_is_nowhere() {
    let traces = Traces::receive();
    let mut warmer = Warmer::empty();
    warmer.env("DATABASE_URL", format!("postgres://warmer:{SECRET}@127.0.0.1:1/warmer"));
    warmer.env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.endpoint());
    for arguments in [&["config", "show"][..], &["config", "check"], &["status"], &["doctor"], &["warm", "."]] {
        let ran = warmer.run(arguments);
        assert_nowhere(&warmer, &ran, &traces, &[]);
    }
}
