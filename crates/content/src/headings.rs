//! What lines of Markdown are headings, and what opens and closes fenced code.

/// `## Title`, also `## Title ##`: how many marks, and the title.
pub(crate) fn heading(line: &str) -> Option<(usize, &str)> {
    let bare = unindented(line)?;
    let number = bare.bytes().take_while(|byte| *byte == b'#').count();
    let rest = &bare[number..];
    let found = (1..=6).contains(&number) && (rest.is_empty() || rest.starts_with([' ', '\t']));
    found.then(|| (number, rest.trim().trim_end_matches('#').trim_end()))
}

/// A title with `===` or `---` below it.
pub(crate) fn underlined<'a>(line: &'a str, next: &str) -> Option<(usize, &'a str)> {
    let (title, rule) = (unindented(line)?, unindented(next)?.trim_end());
    let ordinary = !title.starts_with(['#', '>', '|', '-', '*', '+', '=', '`', '~']) && fence_of(title).is_none();
    let of = |mark: char| rule.len() >= 3 && rule.chars().all(|c| c == mark);
    match (ordinary, of('='), of('-')) {
        (true, true, _) => Some((1, title.trim_end())),
        (true, _, true) => Some((2, title.trim_end())),
        _ => None,
    }
}

/// The line without up to three spaces; four make it code.
fn unindented(line: &str) -> Option<&str> {
    let bare = line.trim_start_matches(' ');
    (line.len() - bare.len() < 4 && !bare.starts_with('\t')).then_some(bare)
}

/// The marks that open fenced code, at any indentation as in a list.
pub(crate) fn fence_of(line: &str) -> Option<&str> {
    let bare = line.trim_start();
    let mark = bare.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let marks = &bare[..bare.len() - bare.trim_start_matches(mark).len()];
    let inline = mark == '`' && bare[marks.len()..].contains('`');
    (marks.len() >= 3 && !inline).then_some(marks)
}

/// Whether the line ends the fenced code that these marks opened.
pub(crate) fn closes(line: &str, open: &str) -> bool {
    let bare = line.trim();
    bare.len() >= open.len() && bare.chars().all(|c| open.starts_with(c))
}
