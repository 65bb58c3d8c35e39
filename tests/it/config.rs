//! The configuration: its layers, and a sentence for every mistake.

use warmer_tests::Warmer;

#[test]
fn mistakes_are_named_by_file_line_column_and_key_all_at_once() {
    let warmer = Warmer::empty();
    let text = "[claimer]\nconcurrency = \"many\"\nspeed = 3\n\n[hasher]\nfile_deadline = \"soon\"\n\n[nonsense]\n";
    std::fs::write(warmer.config_file(), text).expect("a writable file");
    for arguments in [&["config", "check"][..], &["status"], &["warm", "."]] {
        let ran = warmer.run(arguments);
        ran.exits(78);
        for mistake in ["warmer.toml:2:15: claimer.concurrency", "warmer.toml:3:1: claimer.speed", "nonsense"] {
            ran.says(mistake);
        }
        ran.says("warmer.toml:6:17: hasher.file_deadline");
    }
}

#[test]
fn a_file_that_is_too_large_is_one_sentence_and_is_not_read_to_its_end() {
    let warmer = Warmer::empty();
    let text = "[[repositories]]\nurl = \"https://git.example.com/a\"\n".repeat(1 << 15);
    std::fs::write(warmer.config_file(), text).expect("a writable file");
    warmer
        .run(["config", "check"])
        .exits(78)
        .says("warmer.toml:1:1: the file cannot be read: it is larger than 1024 KiB");
    let endless = warmer.run(["--config", "/dev/zero", "status"]);
    endless.exits(78).says("/dev/zero:1:1: the file cannot be read: it is larger than 1024 KiB");
}

#[test]
fn variables_are_checked_like_files() {
    let mut warmer = Warmer::empty();
    warmer.env("WARMER__CLAIMER__CONCURENCY", "8");
    warmer.run(["config", "check"]).exits(78).says("WARMER__CLAIMER__CONCURENCY");
    let mut warmer = Warmer::empty();
    warmer.env("KEEPTRUSTS_CACHE_WARMER_CONCURRENCY", "none");
    warmer.run(["config", "check"]).exits(78).says("KEEPTRUSTS_CACHE_WARMER_CONCURRENCY");
}

#[test]
fn the_layers_win_in_their_order_and_show_where_a_value_is_from() {
    let mut warmer = Warmer::empty();
    let concurrency = |warmer: &Warmer, more: &[&str]| {
        let ran = warmer.run(["config", "show"].iter().chain(more));
        let line = ran.exits(0).stdout.lines().find(|line| line.starts_with("concurrency")).unwrap_or_default();
        line.to_owned()
    };
    assert!(concurrency(&warmer, &[]).starts_with("concurrency = 4"));
    warmer.set("claimer.concurrency", "5");
    let line = concurrency(&warmer, &[]);
    assert!(line.starts_with("concurrency = 5") && line.contains("warmer.toml"), "{line}");
    warmer.env("WARMER__CLAIMER__CONCURRENCY", "6");
    let line = concurrency(&warmer, &[]);
    assert!(line.starts_with("concurrency = 6") && line.contains("WARMER__CLAIMER__CONCURRENCY"), "{line}");
    warmer.env("KEEPTRUSTS_CACHE_WARMER_CONCURRENCY", "7");
    assert!(concurrency(&warmer, &[]).starts_with("concurrency = 7"));
    let line = concurrency(&warmer, &["--set", "claimer.concurrency=8"]);
    assert!(line.starts_with("concurrency = 8") && line.contains("--set"), "{line}");
}

#[test]
fn what_is_shown_is_a_configuration_again() {
    let warmer = Warmer::empty();
    let shown = warmer.run(["config", "show"]);
    let file = warmer.home().join("shown.toml");
    std::fs::write(&file, &shown.exits(0).stdout).expect("a writable home");
    warmer.run(["config".as_ref(), "check".as_ref(), file.as_os_str()]).exits(0);
}

#[test]
fn the_schema_is_json_and_knows_every_section() {
    let warmer = Warmer::empty();
    let schema = warmer.run(["config", "schema"]).exits(0).json();
    let manual = warmer.run(["config", "show"]).stdout;
    let sections = manual.lines().filter_map(|line| line.strip_prefix('[')?.strip_suffix(']'));
    let sections: Vec<_> = sections.filter(|name| !name.contains('[')).collect();
    assert!(sections.len() > 10, "{manual}");
    assert!(sections.iter().all(|name| schema["properties"][name].is_object()), "{schema}");
}

#[test]
fn too_much_concurrency_is_a_warning() {
    let mut warmer = Warmer::empty();
    warmer.set("claimer.concurrency", "64");
    warmer.run(["config", "check"]).exits(0).says("warning").says("concurrency");
}
