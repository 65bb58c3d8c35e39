//! The plan for people: no line is wider than the terminal.

use std::fmt::Write as _;
use std::time::Duration;

use super::super::warm::progress::size;
use super::view::{Costs, PlannedRepository, Speed, View};
use crate::output::{Style, counted, duration, printable, printable_line};

/// What stands before a figure.
const INDENT: &str = "             ";

/// Each repository, and all of them where there are several.
pub(super) fn text(view: &View, style: Style) -> String {
    let mut text = String::new();
    for repository in &view.repositories {
        text.push_str(&one(repository, style));
    }
    let counted = view.repositories.iter().filter(|repository| repository.error.is_none()).count();
    if counted > 1 {
        let _ = writeln!(text, "all {counted} repositories");
        text.push_str(&costs(&view.total, style));
    }
    text + &speed(&view.embedder, style)
}

fn one(repository: &PlannedRepository, style: Style) -> String {
    let name = repository.repository.as_deref().unwrap_or("(not a repository)");
    let mut text = format!("{}  {}\n", printable(name), repository.state.unwrap_or("not counted"));
    if let Some(error) = &repository.error {
        return text + &field(style, "error", &printable_line(error));
    }
    if let (Some(commit), Some(reference)) = (&repository.commit, &repository.reference) {
        let commit = format!("{} ({})", commit.get(..12).unwrap_or(commit), printable(reference));
        text.push_str(&field(style, "commit", &commit));
    }
    text + &costs(&repository.costs, style)
}

fn costs(costs: &Costs, style: Style) -> String {
    let (files, texts) = (&costs.files, costs.texts);
    let skipped: u64 = files.skipped.values().sum();
    let reasons: Vec<_> = files.skipped.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    let skipped = if skipped == 0 { "none".to_owned() } else { skipped.to_string() };
    let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
    let listed = format!(
        "{} indexed, {} unchanged, {} removed, {skipped} skipped{reasons}",
        files.indexed, files.unchanged, files.removed
    );
    let failed = if texts.failed > 0 { format!(", {} that cannot be embedded", texts.failed) } else { String::new() };
    let found = format!("{} to embed, {} with a vector{failed}", texts.missing, texts.reused);
    let mut text = field(style, "files", &listed);
    text += &field(style, "chunks", &format!("{} of {}", costs.chunks, size(costs.bytes)));
    text += &field(style, "texts", &found);
    if let Some(tokens) = costs.tokens {
        text += &field(style, "tokens", &format!("{tokens} to embed, {}", size(costs.text_bytes)));
    }
    if let Some(seconds) = costs.seconds {
        text += &field(style, "time", &about(seconds));
    }
    if let Some(price) = costs.price {
        text += &field(style, "price", &money(price));
    }
    text
}

/// By what the time is known.
fn speed(speed: &Speed, style: Style) -> String {
    let workers = counted(speed.workers.unwrap_or(1) as u64, "worker");
    let rate = |rate: f64| format!("{rate:.0} tokens a second with {workers}");
    let texts = counted(speed.texts, "text");
    match (speed.tokens_per_second, speed.measured_by, &speed.error) {
        (_, _, Some(error)) => style.wrapped(&format!("speed not known: {}", printable_line(error)), ""),
        (Some(found), Some("history"), _) => {
            style.wrapped(&format!("speed: {}, as fills of {texts} had lately", rate(found)), "")
        }
        (Some(found), ..) => {
            style.wrapped(&format!("speed: {}, measured now on {} of these texts", rate(found), speed.texts), "")
        }
        _ => String::new(),
    }
}

/// A line, or several.
fn field(style: Style, name: &str, text: &str) -> String {
    style.wrapped(text, INDENT).replacen(INDENT, &format!("  {name:<11}"), 1)
}

fn about(seconds: f64) -> String {
    match Duration::try_from_secs_f64(seconds) {
        Ok(Duration::ZERO) => "nothing to embed".to_owned(),
        // To open the model takes longer.
        Ok(time) if time < Duration::from_secs(1) => "less than a second, once the model is open".to_owned(),
        Ok(time) => format!("about {}", duration(time)),
        Err(_) => "longer than can be told".to_owned(),
    }
}

/// Two digits that count, at least.
fn money(price: f64) -> String {
    if price == 0.0 || price >= 0.1 { format!("{price:.2}") } else { format!("{price:.4}") }
}

#[cfg(test)]
mod tests {
    use super::super::view::{Files, Texts};
    use super::*;

    fn costs() -> Costs {
        let skipped = [("binary", 120), ("generated", 7), ("lock_file", 3), ("minified", 9), ("too_large", 1)].into();
        Costs {
            files: Files { indexed: 12_345, unchanged: 0, removed: 0, skipped },
            chunks: 98_765,
            bytes: 50 << 20,
            texts: Texts { distinct: 90_000, reused: 300, failed: 2, missing: 89_698 },
            text_bytes: 48 << 20,
            tokens: Some(16_123_456),
            seconds: Some(15_000.0),
            price: Some(0.322),
        }
    }

    fn view() -> View {
        let found = PlannedRepository {
            repository: Some("https://git.example.com/team/app.git".to_owned()),
            reference: Some("refs/heads/main".to_owned()),
            commit: Some("0123456789abcdef".to_owned()),
            state: Some("new"),
            costs: costs(),
            pack_bytes: 0,
            error: None,
        };
        let why = "there is no file or folder /a/long/path/that/nobody/has/ever/seen/on/this/machine/or/on/any/other";
        let repositories = vec![found, PlannedRepository::failed(None, None, why)];
        let embedder = Speed {
            tokens_per_second: Some(1_074.9),
            measured_by: Some("sample"),
            texts: 64,
            workers: Some(2),
            error: None,
        };
        View { repositories, total: costs(), embedder, price_per_million_tokens: Some(0.02) }
    }

    #[test]
    fn a_plan_fits_a_terminal_of_80_columns() {
        let text = text(&view(), Style { width: Some(80), coloured: false });
        let too_wide = |line: &&str| line.chars().count() > 80 && line.trim().contains(' ');
        assert_eq!(text.lines().find(too_wide), None, "{text}");
        assert!(
            text.starts_with("https://git.example.com/team/app.git  new\n  commit     0123456789ab (refs"),
            "{text}"
        );
        assert!(
            text.contains("\n  files      12345 indexed, 0 unchanged, 0 removed, 140 skipped (binary 120,\n"),
            "{text}"
        );
        assert!(text.contains("\n  time       about 4h 10m\n  price      0.32\n"), "{text}");
        assert!(
            text.ends_with("speed: 1075 tokens a second with 2 workers, measured now on 64 of these texts\n"),
            "{text}"
        );
    }

    #[test]
    fn what_is_not_known_is_left_out_with_the_reason() {
        let mut view = view();
        for costs in view.repositories.iter_mut().map(|one| &mut one.costs).chain([&mut view.total]) {
            (costs.tokens, costs.seconds, costs.price) = (None, None, None);
        }
        view.embedder = Speed { error: Some("no model is there".to_owned()), ..Speed::default() };
        let text = text(&view, Style::PLAIN);
        assert!(["tokens", "time", "price"].iter().all(|name| !text.contains(&format!("  {name}  "))), "{text}");
        assert!(text.ends_with("speed not known: no model is there\n"), "{text}");
    }

    #[test]
    fn small_prices_keep_two_digits_that_count() {
        assert_eq!([0.0, 12.3456, 0.1, 0.0034].map(money), ["0.00", "12.35", "0.10", "0.0034"]);
    }
}
