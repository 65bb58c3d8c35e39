//! What was measured, as tables of 100 columns and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::labels::Kind;
use super::measures::{Measured, mean};

/// A question, and what each ranking made of it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The code base.
    pub corpus: String,
    /// How it was made.
    pub kind: Kind,
    /// Whether it has the name of what is sought.
    pub named: bool,
    /// By each ranking, in the order of their names.
    pub measured: Vec<Measured>,
}

/// Questions that are told of together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    All,
    /// Those that do not name what is sought; symbols always do.
    Of(Kind),
    /// Of the other kinds those that do.
    Named,
}

impl Group {
    const EACH: [Self; 6] = [
        Self::All,
        Self::Of(Kind::Doc),
        Self::Of(Kind::Symbol),
        Self::Of(Kind::File),
        Self::Of(Kind::Error),
        Self::Named,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Of(kind) => kind.name(),
            Self::Named => "named",
        }
    }

    fn has(self, asked: &Asked) -> bool {
        let symbol = asked.kind == Kind::Symbol;
        match self {
            Self::All => true,
            Self::Of(kind) => kind == asked.kind && (symbol || !asked.named),
            Self::Named => asked.named && !symbol,
        }
    }

    fn of<'a>(self, asked: &'a [Asked], ranking: usize) -> impl Iterator<Item = Measured> + 'a {
        asked.iter().filter(move |one| self.has(one)).map(move |one| one.measured[ranking])
    }
}

/// All tables; the names are those of the rankings, the product's own first.
#[must_use]
pub fn tables(asked: &[Asked], rankings: &[&str]) -> String {
    [kinds(asked), corpora(asked), compared(asked, rankings)].join("\n")
}

/// The product's ranking by kind of question.
fn kinds(asked: &[Asked]) -> String {
    let mut table = "question   number   NDCG@10           recall@10   MRR     tokens   found\n".to_owned();
    for group in Group::EACH {
        let all: Vec<_> = group.of(asked, 0).collect();
        if all.is_empty() {
            continue;
        }
        let ((ndcg, error), recall) = (mean(&column(&all, |one| one.ndcg)), mean(&column(&all, |one| one.recall)).0);
        let (reciprocal, tokens) = (mean(&column(&all, |one| one.reciprocal)).0, median(&all));
        let found = all.iter().filter(|one| one.tokens.is_finite()).count() * 100 / all.len();
        let tokens = if tokens.is_finite() { format!("{tokens:.0}") } else { "-".to_owned() };
        let (name, number) = (group.name(), all.len());
        let _ = writeln!(
            table,
            "{name:<10} {number:>6}   {ndcg:.3} +- {error:.3}    {recall:.3}       {reciprocal:.3}   {tokens:>6}   \
             {found:>3} %"
        );
    }
    table
}

/// NDCG@10 of the product's ranking by code base and kind.
fn corpora(asked: &[Asked]) -> String {
    let mut table = "NDCG@10   ".to_owned() + &Group::EACH.map(|group| format!("{:>9}", group.name())).concat() + "\n";
    let mut names: Vec<&str> = asked.iter().map(|one| &*one.corpus).collect();
    names.dedup();
    for name in names {
        let own: Vec<_> = asked.iter().filter(|one| one.corpus == name).cloned().collect();
        let _ = writeln!(table, "{name:<10}{}", cells(&own, 0));
    }
    table
}

/// NDCG@10 of each ranking by kind, and what differs from the product's, question by question.
fn compared(asked: &[Asked], rankings: &[&str]) -> String {
    let heads = Group::EACH.map(|group| format!("{:>9}", group.name())).concat();
    let mut table = format!("{:<24}{heads}   difference\n", "ranking");
    for (ranking, name) in rankings.iter().enumerate() {
        let _ = write!(table, "{name:<24}{}", cells(asked, ranking));
        if ranking > 0 {
            let (difference, error) = difference(asked, ranking);
            let _ = write!(table, "   {difference:+.3} +- {error:.3}");
        }
        table.push('\n');
    }
    table
}

fn cells(asked: &[Asked], ranking: usize) -> String {
    let cell = |group: Group| {
        let all: Vec<_> = group.of(asked, ranking).collect();
        match all.is_empty() {
            true => format!("{:>9}", "-"),
            false => format!("{:>9.3}", mean(&column(&all, |one| one.ndcg)).0),
        }
    };
    Group::EACH.map(cell).concat()
}

/// The mean of what a ranking's NDCG@10 has more than the product's, and its standard error.
fn difference(asked: &[Asked], ranking: usize) -> (f64, f64) {
    mean(&asked.iter().map(|one| one.measured[ranking].ndcg - one.measured[0].ndcg).collect::<Vec<_>>())
}

fn column(all: &[Measured], value: impl Fn(&Measured) -> f64) -> Vec<f64> {
    all.iter().map(value).collect()
}

/// Half of the questions need no more tokens.
fn median(all: &[Measured]) -> f64 {
    crate::median(column(all, |one| one.tokens))
}

/// The same for machines: of each ranking, each code base and all together, each group.
#[must_use]
pub fn as_json(asked: &[Asked], rankings: &[&str]) -> Value {
    let mut names: Vec<&str> = asked.iter().map(|one| &*one.corpus).collect();
    names.dedup();
    let mut rows = vec![];
    for (ranking, name) in rankings.iter().enumerate() {
        let (all_of_it, error_of_it) = difference(asked, ranking);
        for corpus in [None].into_iter().chain(names.iter().copied().map(Some)) {
            let own = asked.iter().filter(|one| corpus.is_none_or(|name| name == one.corpus));
            let own: Vec<_> = own.cloned().collect();
            for group in Group::EACH {
                let all: Vec<_> = group.of(&own, ranking).collect();
                if all.is_empty() {
                    continue;
                }
                let (ndcg, error) = mean(&column(&all, |one| one.ndcg));
                let tokens = median(&all);
                rows.push(json!({
                    "ranking": name, "corpus": corpus, "group": group.name(), "questions": all.len(),
                    "ndcg": ndcg, "ndcg_error": error, "recall": mean(&column(&all, |one| one.recall)).0,
                    "mrr": mean(&column(&all, |one| one.reciprocal)).0,
                    "tokens": tokens.is_finite().then_some(tokens),
                    "found": all.iter().filter(|one| one.tokens.is_finite()).count(),
                }));
            }
        }
        rows.push(json!({"ranking": name, "difference": all_of_it, "difference_error": error_of_it}));
    }
    json!({ "schema_version": 1, "rows": rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(kind: Kind, named: bool, ndcg: [f64; 2]) -> Asked {
        let one = |ndcg| Measured { ndcg, recall: ndcg, reciprocal: ndcg, tokens: 100.0 / ndcg };
        Asked { corpus: "tree".to_owned(), kind, named, measured: ndcg.map(one).to_vec() }
    }

    #[test]
    fn a_question_that_names_its_answer_is_told_apart() {
        let all = [asked(Kind::Doc, false, [1.0, 1.0]), asked(Kind::Doc, true, [0.0, 0.0])];
        let table = kinds(&all);
        let line = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line("doc").contains("     1   1.000 +- 0.000"), "{table}");
        assert!(line("named").contains("     1   0.000 +- 0.000"), "{table}");
        assert!(line("named").ends_with("     -     0 %"), "{table}");
        assert!(line("all").contains("     2   0.500 +- 0.500"), "{table}");
    }

    #[test]
    fn rankings_are_compared_question_by_question() {
        let all = [asked(Kind::Symbol, true, [1.0, 0.5]), asked(Kind::File, false, [0.4, 0.4])];
        let table = compared(&all, &["as it is", "without it"]);
        assert!(table.ends_with("   -0.250 +- 0.250\n"), "{table}");
        assert!(table.lines().all(|line| line.len() <= 100), "{table}");
    }
}
