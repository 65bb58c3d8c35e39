//! What stands in the place of a secret in an example.

/// Passwords of examples, in lower case: whoever has one of these has no secret.
const WORDS: &[&str] = &[
    "1234",
    "12345",
    "123456",
    "admin",
    "apikey",
    "bar",
    "foo",
    "guest",
    "key",
    "mysecretpassword",
    "mypass",
    "mypassword",
    "none",
    "null",
    "pass",
    "passwd",
    "password",
    "pg",
    "postgres",
    "pw",
    "pwd",
    "root",
    "secret",
    "test",
    "testing",
    "token",
    "user",
    "username",
];

/// The key of the storage emulator that Azure publishes for everybody.
const PUBLISHED: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// Whether a token or key only shows its form: `ghp_xxxxxxxx`, `AKIA...EXAMPLE`, `<token>`, `${TOKEN}`.
pub(super) fn is_token(text: &str) -> bool {
    const SAY_SO: [&str; 7] = ["example", "placeholder", "redacted", "changeme", "xxxx", "your", "..."];
    let lower = text.to_ascii_lowercase();
    let blank = lower.bytes().all(|byte| b"x*._-".contains(&byte));
    blank
        || text == PUBLISHED
        || text.contains(['<', '>', '{', '}', '$', '*'])
        || SAY_SO.iter().any(|say| lower.contains(say))
}

/// Whether a password is that of an example, or a variable that stands for one.
pub(super) fn is_password(password: &str, user: &str) -> bool {
    let lower = password.to_ascii_lowercase();
    let format = password.starts_with('%') && !password[1..].starts_with(|c: char| c.is_ascii_hexdigit());
    let variable = password.starts_with([':', '@', '[', '(']) || password.contains("%(");
    let user = user.to_ascii_lowercase();
    lower.len() < 3 || lower == user || format || variable || WORDS.contains(&&*lower) || is_token(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_only_the_form_is_no_secret() {
        for token in
            ["xxxxxxxxxxxxxxxx", "XXXX-XXXX", "YOUR_TOKEN_HERE", "IOSFODNN7EXAMPLE", "<token>", "${TOKEN}", "abc..."]
        {
            assert!(is_token(token), "{token}");
        }
        for password in ["password", "Secret", "app", "%s", "%(password)s", "{password}", "$PASSWORD", "***", ":pw"] {
            assert!(is_password(password, "app"), "{password}");
        }
        for password in ["hunter2!", "S3cr3t-and-long", "%40lpha-9", "passw0rd42"] {
            assert!(!is_password(password, "app"), "{password}");
        }
    }
}
