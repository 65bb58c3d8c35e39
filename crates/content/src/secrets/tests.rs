//! Every kind of the table is found, and masked exactly; what only looks like one is left alone.

use super::*;
use crate::overwrite::{With, overwrite};

/// Digits of base 62, as mixed as those of a token.
fn word(length: usize) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    (0..length).map(|at| char::from(DIGITS[(at * 37 + at / 5) % 62])).collect()
}

fn hex(length: usize) -> String {
    (0..length).map(|at| char::from(b"0123456789abcdef"[(at * 7 + at / 3) % 16])).collect()
}

fn masked(text: &str) -> (String, u32) {
    let found = find(text);
    (overwrite(text, &found.ranges, With::Asterisks), found.count)
}

/// A secret of each kind, in parts so that no other tool takes this file for a leak: what stays, and what is masked.
fn samples() -> Vec<(&'static str, String, String)> {
    let own = |kind, kept: &str, secret: String| (kind, kept.to_owned(), secret);
    vec![
        own("age secret key", "AGE-SECRET-KEY-1", word(58).to_uppercase()),
        own("AWS access key", "AKIA", "Q5Z7RTL2WMXE4HJC".to_owned()),
        own("AWS secret key", "aws_secret_access_key = ", word(40)),
        own("AWS secret key", "\"SecretAccessKey\": \"", word(40)),
        own("AWS session token", "AWS_SESSION_TOKEN=", word(300)),
        own("Azure storage key", "AccountName=a;AccountKey=", word(86) + "=="),
        own("Azure shared access key", "SharedAccessKey=", word(43) + "="),
        own("Azure client secret", "secret: ", format!("aB1{}{}", "8Q~", word(32))),
        own("Google API key", "AIza", word(35)),
        own("Google client secret", "GOCSPX-", word(28)),
        own("Google access token", "ya29.", word(120)),
        own("GitHub token", "ghp_", word(36)),
        own("GitHub token", "ghs_", word(36)),
        own("GitHub fine-grained token", "github_pat_", format!("{}_{}", word(22), word(59))),
        own("GitLab token", "glpat-", word(20)),
        own("GitLab runner token", "GR1348941", word(20)),
        own("Bitbucket token", "ATBB", word(32)),
        own("Atlassian token", "ATATT3", word(180)),
        own("Slack token", "xoxb-", "123456789012-abcdefABCDEF0123".to_owned()),
        own("Slack app token", "xapp-", "1-A0123BCDE-123".to_owned()),
        own("Slack webhook", "https://hooks.slack.com/services/", "T0123ABCD/B0123ABCD/".to_owned() + &word(24)),
        own("Discord webhook", "https://discord.com/api/webhooks/123456789012345678/", word(68)),
        own("Stripe key", "sk_live_", word(24)),
        own("Stripe webhook secret", "whsec_", word(32)),
        own("Shopify token", "shpat_", hex(32)),
        own("Square token", "sq0atp-", word(22)),
        own("npm token", "npm_", word(36)),
        own("npm registry token", "//registry.example.com/:_authToken=", word(36)),
        own("PyPI token", "pypi-AgE", word(150)),
        own("RubyGems token", "rubygems_", hex(48)),
        own("Cargo token", "cio", word(32)),
        own("Docker token", "dckr_pat_", word(27)),
        own("OpenAI key", "sk-", format!("{}T3BlbkFJ{}", word(20), word(20))),
        own("OpenAI project key", "sk-proj-", word(120)),
        own("Anthropic key", "sk-ant-", "api03-".to_owned() + &word(95)),
        own("OpenRouter key", "sk-or-v1-", hex(64)),
        own("Groq key", "gsk_", word(52)),
        own("xAI key", "xai-", word(80)),
        own("Hugging Face token", "hf_", word(34)),
        own("Replicate token", "r8_", word(37)),
        own("DigitalOcean token", "dop_v1_", hex(64)),
        own("SendGrid key", "SG.", format!("{}.{}", word(22), word(43))),
        own("Telegram bot token", "123456789:AA", word(33)),
        own("Vault token", "hvs.", word(90)),
        own("Terraform token", "abcdefABCDEF01.atlasv1.", word(67)),
        own("Databricks token", "dapi", hex(32)),
        own("Grafana token", "glsa_", format!("{}_{}", word(32), hex(8))),
        own("New Relic key", "NRAK-", word(27).to_uppercase()),
        own("Sentry token", "sntryu_", hex(64)),
        own("Doppler token", "dp.pt.", word(43)),
        own("Linear key", "lin_api_", word(40)),
        own("Postman key", "PMAK-", format!("{}-{}", hex(24), hex(34))),
        own("Supabase token", "sbp_", hex(40)),
        own("JSON web token", "eyJ", format!("{}.eyJ{}.{}", word(33), word(80), word(43))),
        own("URL with a password", "postgres://app:", "s3cr%40t-9".to_owned()),
        own("connection string with a password", "Server=db;User Id=app;Password=", "Tr0ub4dor".to_owned()),
        own("connection string with a password", "host=db user=app password=", "Tr0ub4dor".to_owned()),
    ]
}

/// What may stand behind a sample so that it is one.
fn behind(kind: &str) -> &'static str {
    match kind {
        "URL with a password" => "@db.internal:5432/app\"\n",
        "connection string with a password" => ";\"\n",
        _ => "\"\n",
    }
}

#[test]
fn every_kind_of_secret_is_masked_and_nothing_around_it() {
    let samples = samples();
    for kind in KINDS.iter().filter(|kind| kind.rest != Rest::Block) {
        assert!(samples.iter().any(|(name, ..)| *name == kind.name), "no sample of {}", kind.name);
    }
    for (kind, kept, secret) in samples {
        let (before, after) = ("é \"", behind(kind));
        let text = format!("{before}{kept}{secret}{after}");
        let stars = "*".repeat(secret.len().min(64)) + &" ".repeat(secret.len().saturating_sub(64));
        assert_eq!(masked(&text), (format!("{before}{kept}{stars}{after}"), 1), "{kind}");
    }
}

#[test]
fn a_private_key_is_masked_and_its_lines_stay() {
    for (label, head) in [
        ("RSA PRIVATE KEY", ""),
        ("OPENSSH PRIVATE KEY", ""),
        ("ENCRYPTED PRIVATE KEY", ""),
        ("EC PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF\n\n"),
        ("PGP PRIVATE KEY BLOCK", "Version: GnuPG v2\n\n"),
    ] {
        let lines = [word(64), word(64), word(30) + "=="];
        let text =
            format!("a: |\n  -----BEGIN {label}-----\n{head}{}\n-----END {label}-----\nb: 1\n", lines.join("\n"));
        let (masked, count) = masked(&text);
        assert_eq!((masked.len(), masked.lines().count(), count), (text.len(), text.lines().count(), 1), "{label}");
        assert!(lines.iter().all(|line| !masked.contains(line.as_str())), "{masked}");
        assert!(masked.starts_with("a: |\n  -----BEGIN") && masked.ends_with("-----\nb: 1\n"), "{masked}");
    }
    let json =
        format!(r#"{{"private_key": "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n"}}"#, word(64));
    assert_eq!(masked(&json), (json.replace(&word(64), &"*".repeat(64)), 1));
    let cut_off = format!("-----BEGIN PRIVATE KEY-----\n{}\n{}\nand then a word\n", word(64), word(64));
    assert_eq!(masked(&cut_off), (cut_off.replace(&word(64), &"*".repeat(64)), 1));
}

#[test]
fn what_only_speaks_of_a_private_key_is_left_alone() {
    for text in [
        "const HEAD: &str = \"-----BEGIN PRIVATE KEY-----\";\nconst TAIL: &str = \"-----END PRIVATE KEY-----\";\n",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n-----END PUBLIC KEY-----\n",
    ] {
        assert_eq!(masked(text), (text.to_owned(), 0));
    }
}

#[test]
fn what_only_shows_the_form_of_a_secret_is_left_alone() {
    for text in [
        "AKIAIOSFODNN7EXAMPLE and wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "export GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "postgres://user:password@localhost/db",
        "postgres://postgres:postgres@localhost:5432",
        "amqp://${USER}:${PASS}@rabbit/",
        "f\"mysql://{user}:{password}@{host}\"",
        "redis://:%s@%s:6379",
        "http://localhost:8080/@scope/name",
        "http://[::1]:8080/a@b",
        "ssh://git@example.com:22/a",
        "connect(host=host, user=user, password=password)",
        "Server=db;Password={0};",
        "'password=hunter2&user=me'",
        "let monkey_AKIA = skip_sk_live_; risk-ant-hill; glpatterns-of-a-long-name-here",
        "eyJhbGciOiJub25lIn0 alone",
    ] {
        assert_eq!(masked(text), (text.to_owned(), 0));
    }
}

#[test]
fn the_time_is_linear_however_much_only_begins() {
    // Each of these beginnings once made a search look to the end of the text.
    for start in ["-----BEGIN PRIVATE KEY-----\n", "eyJaaaaaaaaaaaa-", "a://b:c", "ghp_", "AccountKey=", "\"password="]
    {
        let text = start.repeat(100_000 / start.len()) + "\nghp_" + &word(36);
        assert!(find(&text).count >= 1, "{start}");
    }
}
