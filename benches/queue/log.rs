//! What the server says it was asked: its log, while it logs every statement.

use xtask::postgres::Cluster;

use crate::field::Field;

/// From when on the log is read.
pub(crate) struct Log<'a> {
    cluster: &'a Cluster,
    from: usize,
}

/// One statement, and what was bound to its parameters; `None` is NULL.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) sql: String,
    pub(crate) values: Vec<Option<String>>,
}

/// Has the server log what is asked of this database, on connections that are made from now on.
pub(crate) fn switch_on(field: &Field) {
    field.set("log_statement", "''all''");
}

/// Ends that.
pub(crate) fn switch_off(field: &Field) {
    field.set("log_statement", "''none''");
}

impl<'a> Log<'a> {
    /// From now on.
    pub(crate) fn from_now(cluster: &'a Cluster) -> Self {
        Self { cluster, from: cluster.log().len() }
    }

    /// What was asked since then.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        parse(&self.cluster.log()[self.from..])
    }
}

/// `TIME [PID] LOG:  execute NAME: SQL`, `… LOG:  statement: SQL` and, behind the first, `… DETAIL:  parameters: $1 =
/// 'a', $2 = NULL`. A line that goes on begins with a tabulator.
fn parse(log: &str) -> Vec<Asked> {
    let mut asked: Vec<Asked> = Vec::new();
    for entry in log.replace("\n\t", "\n").split("\n20").map(str::trim_end) {
        if let Some((_, said)) = entry.split_once("LOG:  ") {
            if let Some((_, sql)) = said.split_once(": ").filter(|(what, _)| is_statement(what)) {
                asked.push(Asked { sql: sql.to_owned(), values: vec![] });
            }
        } else if let Some((_, values)) =
            entry.split_once("DETAIL:  ").and_then(|(_, said)| said.split_once("arameters: "))
            && let Some(last) = asked.last_mut()
        {
            last.values = bound(values);
        }
    }
    asked
}

fn is_statement(what: &str) -> bool {
    what == "statement" || what.starts_with("execute ")
}

/// Reads `$1 = 'it''s', $2 = NULL`.
fn bound(text: &str) -> Vec<Option<String>> {
    let mut values = Vec::new();
    let mut rest = text;
    while let Some((_, value)) = rest.split_once(" = ") {
        let Some(quoted) = value.strip_prefix('\'') else {
            values.push(None);
            rest = value;
            continue;
        };
        let mut read = String::new();
        let mut characters = quoted.char_indices().peekable();
        let mut end = quoted.len();
        while let Some((at, character)) = characters.next() {
            if character != '\'' {
                read.push(character);
            } else if characters.next_if(|(_, next)| *next == '\'').is_some() {
                read.push('\'');
            } else {
                end = at + 1;
                break;
            }
        }
        values.push(Some(read));
        rest = &quoted[end..];
    }
    values
}
