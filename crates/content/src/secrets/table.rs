//! The list of secrets that are known by their form. A further kind is one entry here.

/// A kind of secret.
pub(super) struct Kind {
    /// What it is.
    pub(super) name: &'static str,
    /// A regular expression of bounded length with one group: the secret, or its beginning.
    pub(super) pattern: &'static str,
    /// How the secret goes on behind the group.
    pub(super) rest: Rest,
}

/// How a secret goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// It is the group and nothing more.
    Nothing,
    /// With letters, digits and these.
    With(&'static str),
    /// With two more parts, each behind a point: a JSON web token.
    Parts,
    /// To the end of the block of a private key.
    Block,
    /// A user, a colon and a password up to the `@` of a URL.
    Userinfo,
    /// Up to whatever ends the value in a connection string.
    Value,
}

const fn token(name: &'static str, pattern: &'static str, rest: Rest) -> Kind {
    Kind { name, pattern, rest }
}

use Rest::{Block, Nothing, Parts, Userinfo, Value, With};

/// All of them; `\b` means ASCII.
pub(super) const KINDS: &[Kind] = &[
    token("private key", r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----()", Block),
    token("age secret key", r"\bAGE-SECRET-KEY-1([0-9A-Z]{58})", Nothing),
    token("AWS access key", r"\b(?:AKIA|ASIA|ABIA|ACCA)([A-Z2-7]{16})\b", Nothing),
    token(
        "AWS secret key",
        concat!(
            r#"(?i-u:secret_?-?access_?-?key|aws_?-?secret(?:_?-?key)?)["' \t]{0,3}"#,
            r#"(?:=>|[:=,>])[ \t"']{0,4}([A-Za-z0-9/+]{40})"#
        ),
        With("/+="),
    ),
    token(
        "AWS session token",
        r#"(?i-u:aws_?-?session_?-?token)["' \t]{0,3}(?:=>|[:=,>])[ \t"']{0,4}([A-Za-z0-9/+]{100})"#,
        With("/+="),
    ),
    token("Azure storage key", r"\bAccountKey=([A-Za-z0-9+/]{86}==)", Nothing),
    token("Azure shared access key", r"\bSharedAccessKey=([A-Za-z0-9+/]{43}=)", Nothing),
    token("Azure client secret", r"\b([A-Za-z0-9_~.]{3}8Q~[A-Za-z0-9_~.-]{31,34})", Nothing),
    token("Google API key", r"\bAIza([A-Za-z0-9_-]{35})", Nothing),
    token("Google client secret", r"\bGOCSPX-([A-Za-z0-9_-]{28})", Nothing),
    token("Google access token", r"\bya29\.([A-Za-z0-9_-]{24})", With("_-.")),
    token("GitHub token", r"\bgh[pousr]_([A-Za-z0-9]{36})", With("")),
    token("GitHub fine-grained token", r"\bgithub_pat_([A-Za-z0-9_]{40})", With("_")),
    token(
        "GitLab token",
        r"\bgl(?:pat|oas|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat|ffct|wt)-([A-Za-z0-9_-]{20})",
        With("_-."),
    ),
    token("GitLab runner token", r"\bGR1348941([A-Za-z0-9_-]{20})", Nothing),
    token("Bitbucket token", r"\bATBB([A-Za-z0-9]{32})", With("")),
    token("Atlassian token", r"\bATATT3([A-Za-z0-9_-]{60})", With("_-=")),
    token("Slack token", r"\bxox[abeoprs]-([0-9A-Za-z-]{10})", With("-")),
    token("Slack app token", r"\bxapp-([0-9]-[A-Z0-9]{8})", With("-")),
    token("Slack webhook", r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/]{20})", With("/")),
    token("Discord webhook", r"discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/([A-Za-z0-9_-]{60})", With("_-")),
    token("Stripe key", r"\b[rs]k_(?:live|test|prod)_([A-Za-z0-9]{16})", With("")),
    token("Stripe webhook secret", r"\bwhsec_([A-Za-z0-9+/]{24})", With("+/=")),
    token("Shopify token", r"\bshp(?:at|ca|pa|ss)_([A-Fa-f0-9]{32})", Nothing),
    token("Square token", r"\bsq0(?:atp|csp)-([A-Za-z0-9_-]{22})", With("_-")),
    token("npm token", r"\bnpm_([A-Za-z0-9]{36})", Nothing),
    token("npm registry token", r":_authToken=([A-Za-z0-9_-]{20})", With("_-")),
    token("PyPI token", r"\bpypi-AgE([A-Za-z0-9_-]{50})", With("_-")),
    token("RubyGems token", r"\brubygems_([a-f0-9]{48})", Nothing),
    token("Cargo token", r"\bcio([A-Za-z0-9]{32})\b", Nothing),
    token("Docker token", r"\bdckr_[po]at_([A-Za-z0-9_-]{27})", With("_-")),
    token("OpenAI key", r"\bsk-([A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20})", Nothing),
    token("OpenAI project key", r"\bsk-(?:proj|svcacct|admin)-([A-Za-z0-9_-]{40})", With("_-")),
    token("Anthropic key", r"\bsk-ant-([A-Za-z0-9_-]{32})", With("_-")),
    token("OpenRouter key", r"\bsk-or-v1-([a-f0-9]{64})", Nothing),
    token("Groq key", r"\bgsk_([A-Za-z0-9]{52})", Nothing),
    token("xAI key", r"\bxai-([A-Za-z0-9]{80})", Nothing),
    token("Hugging Face token", r"\bhf_([A-Za-z0-9]{34})\b", Nothing),
    token("Replicate token", r"\br8_([A-Za-z0-9]{37})\b", Nothing),
    token("DigitalOcean token", r"\bdo[opr]_v1_([a-f0-9]{64})", Nothing),
    token("SendGrid key", r"\bSG\.([A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})", Nothing),
    token("Telegram bot token", r"\b[0-9]{8,10}:AA([A-Za-z0-9_-]{33})", Nothing),
    token("Vault token", r"\bhv[bsr]\.([A-Za-z0-9_-]{24})", With("_-")),
    token("Terraform token", r"\b[A-Za-z0-9]{14}\.atlasv1\.([A-Za-z0-9_=-]{60})", With("_=-")),
    token("Databricks token", r"\bdapi([a-f0-9]{32})", Nothing),
    token("Grafana token", r"\bgl(?:c|sa)_([A-Za-z0-9+/]{32})", With("+/=_")),
    token("New Relic key", r"\bNRAK-([A-Z0-9]{27})", Nothing),
    token("Sentry token", r"\bsntry[su]_([A-Za-z0-9+/=_-]{40})", With("+/=_-")),
    token("Doppler token", r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{1,20}\.)?([A-Za-z0-9]{40})", With("")),
    token("Linear key", r"\blin_api_([A-Za-z0-9]{40})", Nothing),
    token("Postman key", r"\bPMAK-([a-f0-9]{24}-[a-f0-9]{34})", Nothing),
    token("Supabase token", r"\bsbp_([a-f0-9]{40})", Nothing),
    token("JSON web token", r"\beyJ([A-Za-z0-9_-]{10})", Parts),
    token("URL with a password", r#"[A-Za-z0-9]://[!-~&&[^/:@"'`<>\\]]{0,64}:([!-~&&[^/@]])"#, Userinfo),
    token(
        "connection string with a password",
        concat!(
            r#"(?:;[ ]?|"|'|\b(?i-u:host|hostaddr|server|user|uid|dbname|database|port)=[!-~&&[^,;()"'=]]{1,80} )"#,
            r#"(?i-u:password|pwd)=([!-~])"#
        ),
        Value,
    ),
];
