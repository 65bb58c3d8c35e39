//! Every reason to skip a file, and what overrides it.

use warmer_content::{ContentSettings, PATH_BYTES_MAX, PathFacts, Rules, SkipReason};

fn rules(change: impl Fn(&mut ContentSettings)) -> Rules {
    let mut config = ContentSettings::default();
    change(&mut config);
    Rules::new(&config).expect("good globs")
}

fn path_verdict(rules: &Rules, path: &str, facts: &PathFacts) -> Result<&'static str, SkipReason> {
    rules.judge_path(path.as_bytes(), facts).map(|hint| hint.as_str())
}

fn content_verdict(rules: &Rules, path: &str, content: &[u8], facts: &PathFacts) -> Result<(), SkipReason> {
    let hint = rules.judge_path(path.as_bytes(), facts).expect("the path is fine");
    rules.read(content.to_vec(), hint).map(drop)
}

#[test]
fn paths_are_judged_by_name() {
    use SkipReason::{Generated, LockFile, Minified, OddPath, Secret, Vendored};
    let rules = rules(|_| ());
    for (path, verdict) in [
        ("src/main.rs", Ok("rust")),
        ("bin/tool", Ok("?")),
        ("include/a.h", Ok("?h")),
        (".env", Err(Secret)),
        ("deploy/.env.production", Err(Secret)),
        ("certs/SERVER.PEM", Err(Secret)),
        ("tls.key", Err(Secret)),
        ("home/.ssh/id_rsa", Err(Secret)),
        ("home/.ssh/id_ed25519.pub", Err(Secret)),
        ("home/.ssh/id_work", Err(Secret)),
        ("store/keys.p12", Err(Secret)),
        (".npmrc", Err(Secret)),
        ("home/.cargo/credentials", Err(Secret)),
        ("infra/terraform.tfstate.backup", Err(Secret)),
        ("infra/prod.auto.tfvars", Err(Secret)),
        ("infra/variables.tf", Ok("hcl")),
        ("a/.aws/credentials", Err(Secret)),
        ("src/id_map.rs", Ok("rust")),
        ("src/environment.rs", Ok("rust")),
        ("src/keyboard.rs", Ok("rust")),
        ("Cargo.lock", Err(LockFile)),
        ("web/package-lock.json", Err(LockFile)),
        ("go.sum", Err(LockFile)),
        ("locks.rs", Ok("rust")),
        ("vendor/a/b.c", Err(Vendored)),
        ("web/node_modules/x/index.js", Err(Vendored)),
        ("third_party/x.py", Err(Vendored)),
        ("src/vendor.rs", Ok("rust")),
        ("dist/app.min.js", Err(Minified)),
        ("api/a_pb2.py", Err(Generated)),
        ("api/a.pb.go", Err(Generated)),
        ("a\nb.rs", Err(OddPath)),
        ("a/../b.rs", Err(OddPath)),
        ("./a.rs", Err(OddPath)),
        ("/a.rs", Err(OddPath)),
        ("", Err(OddPath)),
    ] {
        assert_eq!(path_verdict(&rules, path, &PathFacts::default()), verdict, "{path:?}");
    }
    assert_eq!(rules.judge_path(b"caf\xe9.rs", &PathFacts::default()), Err(OddPath));
    let long = "d/".repeat(PATH_BYTES_MAX / 2 - 2) + "a.rs";
    assert_eq!(path_verdict(&rules, &long, &PathFacts::default()), Ok("rust"));
    assert_eq!(path_verdict(&rules, &format!("b{long}"), &PathFacts::default()), Err(OddPath));
}

#[test]
fn attributes_go_before_names_but_never_before_secrets() {
    use SkipReason::{Binary, Generated, LfsPointer, Secret, Vendored};
    let rules = rules(|_| ());
    let denied =
        PathFacts { generated: Some(false), vendored: Some(false), binary: Some(false), ..PathFacts::default() };
    let claimed = |change: fn(&mut PathFacts)| {
        let mut facts = PathFacts::default();
        change(&mut facts);
        facts
    };
    for (path, facts, verdict) in [
        ("vendor/a.c", denied.clone(), Ok("c+text+manual")),
        ("a.pb.go", denied.clone(), Ok("go+text+manual")),
        ("a.min.js", denied.clone(), Ok("javascript+text+manual")),
        ("a.pem", denied, Err(Secret)),
        ("a.rs", claimed(|facts| facts.generated = Some(true)), Err(Generated)),
        ("a.rs", claimed(|facts| facts.vendored = Some(true)), Err(Vendored)),
        ("a.rs", claimed(|facts| facts.binary = Some(true)), Err(Binary)),
        ("a.inc", claimed(|facts| facts.language = Some("PHP".into())), Ok("php")),
        ("a.csv", claimed(|facts| facts.lfs = true), Err(LfsPointer)),
    ] {
        assert_eq!(path_verdict(&rules, path, &facts), verdict, "{path:?}");
    }
}

#[test]
fn include_and_exclude_decide_what_is_left() {
    let rules = rules(|config| {
        config.include = vec!["src".into(), "*.md".into()];
        config.exclude = vec!["src/generated/".into()];
    });
    for (path, included) in
        [("src/a.rs", true), ("docs/a.md", true), ("docs/a.rs", false), ("src/generated/a.rs", false)]
    {
        let verdict = path_verdict(&rules, path, &PathFacts::default());
        assert_eq!(verdict.err(), (!included).then_some(SkipReason::Excluded), "{path}");
    }
}

#[test]
fn a_file_must_pass_the_rules_of_all_and_those_of_its_repository() {
    let all = rules(|config| {
        config.include = vec!["src/".into()];
        config.exclude = vec!["*.snap".into()];
    });
    let owned = |list: &[&str]| list.iter().map(|glob| (*glob).to_owned()).collect::<Vec<_>>();
    let narrow = all.narrowed(&owned(&["*.rs"]), &owned(&["old/"])).expect("good globs");
    for (path, passes) in
        [("src/a.rs", true), ("src/a.py", false), ("b.rs", false), ("src/a.rs.snap", false), ("src/old/a.rs", false)]
    {
        assert_eq!(path_verdict(&narrow, path, &PathFacts::default()).is_ok(), passes, "{path}");
    }
    assert_eq!(all.narrowed(&[], &[]).expect("no globs").digest(), all.digest());
    assert_ne!(narrow.digest(), all.narrowed(&[], &owned(&["old/"])).expect("good globs").digest());
}

#[test]
fn each_kind_can_be_let_in() {
    let rules = rules(|config| {
        (config.generated, config.vendored, config.lock_files, config.minified) = (true, true, true, true);
    });
    for path in ["a.pb.go", "vendor/a.c", "Cargo.lock", "a.min.js"] {
        assert!(path_verdict(&rules, path, &PathFacts::default()).is_ok(), "{path}");
    }
    let minified = "a=1;".repeat(5_000);
    assert_eq!(content_verdict(&rules, "a.js", minified.as_bytes(), &PathFacts::default()), Ok(()));
    assert_eq!(content_verdict(&rules, "a.rs", b"// @generated\n", &PathFacts::default()), Ok(()));
}

#[test]
fn sizes_are_judged_before_the_body_is_read() {
    let rules = rules(|config| config.file_size_max = 10);
    assert_eq!(rules.judge_size(10), Ok(()));
    assert_eq!(rules.judge_size(11), Err(SkipReason::TooLarge));
    assert_eq!(content_verdict(&rules, "a.rs", b"12345678901", &PathFacts::default()), Err(SkipReason::TooLarge));
}

#[test]
fn contents_are_judged() {
    use SkipReason::{Binary, Generated, LfsPointer, Minified, NotUtf8, Secret};
    let rules = rules(|_| ());
    let key = format!("# a note\n-----BEGIN {} PRIVATE KEY-----\nAAAA\n", "RSA");
    let late_key = format!("{}{key}", "filler\n".repeat(2_000));
    let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12\n", "7".repeat(64));
    let kubeconfig = "apiVersion: v1\nkind: Config\nclusters: []\nusers:\n- name: me\n  user:\n    token: abc\n";
    let without = kubeconfig.replace("token: abc", "exec: {}");
    let late_nul = [b"a line\n".repeat(2_000), vec![0]].concat();
    let page = format!("<p>text</p>\n<img src=\"data:image/png;base64,{}\">\n", "iVBORw0KGgoAAAANSUhEUg".repeat(900));
    let bundle = format!("/* a licence */\n{}\n{}", "a=1;".repeat(2_000), "\n".repeat(100));
    let paragraphs = format!("{}\n\n", "A sentence of prose. ".repeat(60)).repeat(10);
    let licence = "// a line of a licence\n".repeat(15);
    let note = "// Code generated by a program. DO NOT EDIT.\npackage a\n";
    let cases: &[(&str, &[u8], Result<(), SkipReason>)] = &[
        ("empty.rs", b"", Ok(())),
        ("a.rs", "fn über() {}\n".as_bytes(), Ok(())),
        ("a.rs", b"fn a\0", Err(Binary)),
        ("a.txt", &late_nul, Ok(())),
        ("a.rs", b"caf\xe9", Ok(())),
        ("a.txt", b"\xff\xfea\0b\0", Ok(())),
        ("a.txt", b"caf\xe9\x01\x02", Err(NotUtf8)),
        ("data.csv", pointer.as_bytes(), Err(LfsPointer)),
        ("kube.yaml", kubeconfig.as_bytes(), Err(Secret)),
        ("kube.yaml", without.as_bytes(), Ok(())),
        ("a.yaml", key.as_bytes(), Err(Secret)),
        ("a.yaml", late_key.as_bytes(), Ok(())),
        ("a.crt", certificate.as_bytes(), Ok(())),
        ("a.go", note.as_bytes(), Err(Generated)),
        ("a.go", &[licence.as_bytes(), note.as_bytes()].concat(), Err(Generated)),
        ("a.rs", b"// @generated by a program\n", Err(Generated)),
        ("a.py", b"# This file was automatically generated by x\n", Err(Generated)),
        ("a.sql", b"-- Generated from the model.\n-- Do not modify.\n", Err(Generated)),
        ("a.md", b"<!-- generated, do not edit -->\n", Err(Generated)),
        ("a.md", b"# Rules\n* generated files: do not edit\n", Ok(())),
        ("a.rs", b"//! Looks for `@generated` in files.\n", Ok(())),
        ("a.rs", b"let note = \"@generated\";\n", Ok(())),
        ("a.rs", b"const NOTES: [&str; 2] = [\n    \"@generated\",\n    \"do not edit\",\n];\n", Ok(())),
        ("a.json", b"{\n  \"generated by\": \"hand\"\n}\n", Ok(())),
        ("a.rs", b"// do not edit this lightly\n", Ok(())),
        ("a.js", bundle.as_bytes(), Err(Minified)),
        ("a.html", page.as_bytes(), Ok(())),
        ("a.json", &b"[1,2]".repeat(2_000), Err(Minified)),
        ("a.json", b"{\"short\": true}", Ok(())),
        ("a.md", paragraphs.as_bytes(), Ok(())),
        ("a.rs", paragraphs.as_bytes(), Err(Minified)),
    ];
    for (path, content, verdict) in cases {
        let shown = String::from_utf8_lossy(&content[..content.len().min(60)]);
        assert_eq!(content_verdict(&rules, path, content, &PathFacts::default()), *verdict, "{path}: {shown}");
    }
}

#[test]
fn attributes_override_what_the_content_says() {
    let rules = rules(|_| ());
    let manual = PathFacts { generated: Some(false), ..PathFacts::default() };
    assert_eq!(content_verdict(&rules, "a.rs", b"// @generated\n", &manual), Ok(()));
    let text = PathFacts { binary: Some(false), ..PathFacts::default() };
    assert_eq!(content_verdict(&rules, "a.txt", b"a\0b", &text), Ok(()));
    let key = format!("-----BEGIN {}-----\n", "PRIVATE KEY");
    let both = PathFacts { generated: Some(false), binary: Some(false), ..PathFacts::default() };
    assert_eq!(content_verdict(&rules, "a.txt", key.as_bytes(), &both), Err(SkipReason::Secret));
}

#[test]
fn the_digest_tells_every_setting_apart() {
    type Change = fn(&mut ContentSettings);
    let changes: [Change; 9] = [
        |_| (),
        |config| config.include = vec!["a".into()],
        |config| config.exclude = vec!["a".into()],
        |config| config.include = vec!["a".into(), "b".into()],
        |config| config.file_size_max += 1,
        |config| config.generated = true,
        |config| config.vendored = true,
        |config| config.lock_files = true,
        |config| config.minified = true,
    ];
    let digests: std::collections::HashSet<_> = changes.iter().map(|change| rules(change).digest()).collect();
    assert_eq!(digests.len(), changes.len());
    assert_eq!(rules(|_| ()).digest(), rules(|_| ()).digest());
}
