//! `warmer mcp install`: a client's file is changed only where it is asked for, and in nothing but our server.

use std::fs;

use warmer_tests::Warmer;

/// A client, its file below the home directory, and what is in it before.
const CLIENTS: [(&str, &str, &str); 5] = [
    (
        "claude",
        ".claude.json",
        "{\n  \"numStartups\": 3,\n  \"mcpServers\": {\n    \"other\": { \"command\": \"o\" }\n  }\n}\n",
    ),
    (
        "cursor",
        ".cursor/mcp.json",
        "{\n  \"mcpServers\": {\n    // mine\n    \"other\": { \"url\": \"https://h/mcp\" }\n  }\n}\n",
    ),
    ("codex", ".codex/config.toml", "# mine\nmodel = \"a\"\n\n[mcp_servers.other] # keep\ncommand = \"o\"\n"),
    (
        "vscode",
        "config/Code/User/mcp.json",
        "{\n\t\"servers\": {\n\t\t\"other\": { \"command\": \"o\" }, // keep\n\t},\n\t\"inputs\": []\n}\n",
    ),
    (
        "zed",
        "config/zed/settings.json",
        "// Zed\n{\n  \"a\": 1, /* b */\n  \"context_servers\": {\n    \"other\": { \"command\": \"o\" },\n  },\n}\n",
    ),
];

#[test]
fn what_is_printed_changes_nothing_and_holds_no_secret() {
    let mut warmer = Warmer::empty();
    warmer.env("DATABASE_URL", "postgres://me:secret-word@db.example.org/warmer");
    for (client, file, text) in CLIENTS {
        let file = warmer.home().join(file);
        let ran = warmer.run(["mcp", "install", client]);
        ran.exits(0).never_says("secret-word").never_says("db.example.org").says("DATABASE_URL").says("--write");
        let program = warmer.command().get_program().to_owned();
        assert!(ran.stdout.contains(&*program.to_string_lossy()) && ran.stdout.contains("\"mcp\""), "{ran:?}");
        assert!(!file.exists(), "{client}");
        fs::create_dir_all(file.parent().expect("below home")).expect("a directory of the test");
        fs::write(&file, text).expect("a file of the test");
        warmer.run(["mcp", "install", client]).exits(0);
        warmer.run(["mcp", "install", client, "--write"]).exits(0).never_says("secret-word");
        assert!(!fs::read_to_string(&file).expect("it is there").contains("secret-word"), "{client}");
    }
}

#[test]
fn what_is_written_is_the_server_alone_twice_the_same_and_taken_out_again() {
    let warmer = Warmer::empty();
    for (client, file, text) in CLIENTS {
        let file = warmer.home().join(file);
        let read =
            |file: &std::path::Path| fs::read_to_string(file).unwrap_or_else(|error| panic!("{client}: {error}"));
        fs::create_dir_all(file.parent().expect("below home")).expect("a directory of the test");
        fs::write(&file, text).expect("a file of the test");
        warmer.run(["mcp", "install", client, "--write"]).exits(0).says("was changed; what it was is in ");
        let written = read(&file);
        for line in text.lines() {
            let line = line.trim_end_matches(',');
            assert!(written.contains(line), "{client}: {line} is gone from\n{written}");
        }
        assert!(written.contains("warmer"), "{client}: {written}");
        let backup = format!("{}.before-warmer", file.display());
        assert_eq!(read(backup.as_ref()), text, "{client}");
        warmer.run(["mcp", "install", client, "--write"]).exits(0).says("has it already: nothing was changed");
        assert_eq!(read(&file), written, "{client}");
        warmer.run(["mcp", "install", client, "--remove"]).exits(0);
        assert_eq!(read(&file), text, "{client}");
        warmer.run(["mcp", "install", client, "--remove"]).exits(0).says("does not have it: nothing was changed");
    }
}

#[test]
fn a_file_that_cannot_be_read_as_its_clients_is_left_as_it_is_and_a_link_stays_a_link() {
    let warmer = Warmer::empty();
    let (broken, real) = (warmer.home().join(".claude.json"), warmer.home().join("dotfiles.json"));
    fs::write(&broken, "{ \"mcpServers\": ").expect("a file of the test");
    let ran = warmer.run(["mcp", "install", "claude", "--write"]);
    ran.exits(1).says(".claude.json was left as it is: it is no JSON that its client could read (");
    ran.says("). Mend that, or add by hand what `warmer mcp install claude` prints");
    warmer.run(["mcp", "install", "claude", "--remove"]).exits(1).says("or take \"warmer\" out by hand");
    assert_eq!(fs::read_to_string(&broken).expect("it is there"), "{ \"mcpServers\": ");
    fs::write(&broken, b"\xff").expect("a file of the test");
    let ran = warmer.run(["mcp", "install", "claude", "--write"]);
    ran.exits(1).says(".claude.json was left as it is: it is not UTF-8. Mend that, or add by hand what");
    fs::remove_file(&broken).expect("it is there");
    fs::write(&real, "{}").expect("a file of the test");
    std::os::unix::fs::symlink(&real, &broken).expect("a link of the test");
    warmer.run(["mcp", "install", "claude", "--write"]).exits(0);
    assert!(broken.is_symlink() && fs::read_to_string(&real).expect("it is there").contains("warmer"));
}
