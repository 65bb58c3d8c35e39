//! `search`

use clap::Args;

/// `search`
#[derive(Clone, Debug, Args)]
pub(crate) struct Search {
    /// What is looked for: words, code, a name, a path or an error's text
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) query: String,
    /// Only in this repository: its name, URL or path
    #[arg(long, value_name = "NAME|URL|PATH")]
    pub(crate) repo: Option<String>,
    /// Only in this path, or in those that match from the root on, for example `src/**/*.rs`; `*.rs` is the root's own
    /// files only
    #[arg(long, value_name = "GLOB")]
    pub(crate) path: Option<String>,
    /// Only in this language, for example `rust`
    #[arg(long, value_name = "NAME")]
    pub(crate) language: Option<String>,
    /// Only code, without tests and examples
    #[arg(long)]
    pub(crate) code: bool,
    /// Only documents and data, which otherwise stand behind code
    #[arg(long)]
    pub(crate) docs: bool,
    /// Only tests and examples, which otherwise stand behind the rest; with --code or --docs those too
    #[arg(long)]
    pub(crate) tests: bool,
    /// The most files; the nearest are given, however far they are
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) limit: u16,
    /// Lines to show in front of and behind each range
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) context: u16,
    /// Every chunk on its own, not one answer for each file
    #[arg(long)]
    pub(crate) all_chunks: bool,
    /// The same as JSON, with what was searched, what was not, and why nothing is found
    #[arg(long)]
    pub(crate) json: bool,
}
