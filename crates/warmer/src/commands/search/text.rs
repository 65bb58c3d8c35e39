//! The hits of a search as people read them.

use std::fmt::Write as _;

use warmer_query::{Hit, Location, Range, Reason, Report, Searched};

use crate::output::{Style, counted, printable, printable_line};

/// Lines of a range that are shown, beside those that were asked for around it.
const LINES_SHOWN: usize = 12;

/// Characters of a line that are shown, on a terminal no more than it has.
const WIDTH_SHOWN: usize = 160;

/// In front of each line of a text.
const INDENT: &str = "    ";

/// In front of what belongs to a hit.
const WITHIN: &str = "  ";

/// Further locations of the same text that are told; a vendored file may be in hundreds.
const LOCATIONS_SHOWN: usize = 5;

/// The hits, best first. `context`: the lines that were asked for around each range.
pub(super) fn text(report: &Report, context: usize, style: Style) -> String {
    let mut text = String::new();
    for (index, hit) in report.hits.iter().enumerate() {
        write_hit(&mut text, hit, report, context, style);
        // How old a hit is stands once below all hits of a repository that follow each other.
        if report.hits.get(index + 1).is_none_or(|next| next.id != hit.id)
            && let Some(repository) = report.searched(hit.id)
        {
            let freshness = repository.freshness().to_string();
            write_parts(&mut text, freshness.split(' '), " ", style);
            text.push('\n');
        }
    }
    text
}

/// The short name of a hit's repository; the URL where others among the hits are called the same.
fn name(hit: &Hit, report: &Report) -> String {
    let name = |id| report.searched(id).map(Searched::name);
    let own = name(hit.id);
    match own {
        Some(own) if report.hits.iter().all(|other| other.id == hit.id || name(other.id).as_ref() != Some(&own)) => own,
        _ => printable(&hit.repository).into_owned(),
    }
}

fn write_hit(text: &mut String, hit: &Hit, report: &Report, context: usize, style: Style) {
    let (name, path, why) = (name(hit, report), printable(&hit.path), why(hit));
    for (index, range) in hit.ranges.iter().enumerate() {
        let lines = format!("{}-{}", range.start_line, range.end_line);
        let symbol = range.symbol.as_deref().map(|symbol| printable(symbol).into_owned());
        if index == 0 {
            let parts = [Some(name.clone()), Some(format!("{path}:{lines}")), symbol, why.clone()];
            write_parts(text, parts.iter().flatten().map(String::as_str), "  ", style);
        } else {
            let parts = [Some(format!("{WITHIN}{lines}")), symbol];
            write_parts(text, parts.iter().flatten().map(String::as_str), "  ", style);
        }
        write_lines(text, range, context, style);
    }
    write_locations(text, hit, report, style);
    text.push('\n');
}

/// `(definition, words)`
fn why(hit: &Hit) -> Option<String> {
    let word = |reason: &Reason| match reason {
        Reason::Definition => "definition",
        Reason::FileName => "file name",
        Reason::Meaning => "meaning",
        Reason::Words => "words",
    };
    let words: Vec<_> = hit.why.iter().map(word).collect();
    (!words.is_empty()).then(|| format!("({})", words.join(", ")))
}

fn write_lines(text: &mut String, range: &Range, context: usize, style: Style) {
    let mut lines = range.text.trim_end().lines();
    for line in lines.by_ref().take(LINES_SHOWN + 2 * context) {
        let _ = writeln!(text, "{INDENT}{}", cut(&printable_line(line), style));
    }
    let more = lines.count();
    if more > 0 {
        let _ = writeln!(text, "{INDENT}… {}", counted(more as u64, "more line"));
    }
}

fn write_locations(text: &mut String, hit: &Hit, report: &Report, style: Style) {
    for location in hit.also_in.iter().take(LOCATIONS_SHOWN) {
        let Location { path, start_line, end_line, .. } = location;
        let place = format!("{WITHIN}also in {}:{start_line}-{end_line}", printable(path));
        let other = report.searched(location.id).filter(|other| other.id != hit.id);
        let freshness = other.map(|other| other.freshness().to_string());
        write_parts(text, [Some(place), freshness].iter().flatten().map(String::as_str), "  ", style);
    }
    let more = hit.also_in.len().saturating_sub(LOCATIONS_SHOWN) as u64 + hit.more_places;
    if more > 0 {
        let _ = writeln!(text, "{WITHIN}and in {}", counted(more, "more place"));
    }
}

/// Parts on one line; on a terminal that is too narrow for them on several, and of a part that is wider its end.
fn write_parts<'a>(text: &mut String, parts: impl Iterator<Item = &'a str>, between: &str, style: Style) {
    let width = style.width.map_or(usize::MAX, |width| width - 1);
    let mut used = 0;
    for part in parts {
        let length = part.chars().count();
        if used > 0 && used + between.len() + length > width {
            text.push('\n');
            text.push_str(WITHIN);
            used = WITHIN.len();
        } else if used > 0 {
            text.push_str(between);
            used += between.len();
        }
        let room = width.saturating_sub(used);
        if length > room {
            text.push('…');
            text.extend(part.chars().skip(length - room.saturating_sub(1)));
        } else {
            text.push_str(part);
        }
        used += length.min(room);
    }
    text.push('\n');
}

/// The line as far as the terminal shows it.
fn cut(line: &str, style: Style) -> String {
    let width = style.width.map_or(WIDTH_SHOWN, |width| (width - INDENT.len() - 1).min(WIDTH_SHOWN));
    match line.char_indices().nth(width) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests;
