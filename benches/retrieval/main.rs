//! Do searches find what is asked? Also each signal of the ranking, left out: what is it worth?
//!
//! Run it by `cargo xtask bench retrieval`; see `mod.rs` for what is asked and measured.

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;

use warmer_benches::retrieval::answers::{Answer, BUDGETS, budgets};
use warmer_benches::retrieval::asked::Asker;
use warmer_benches::retrieval::corpora::{Corpus, directory};
use warmer_benches::retrieval::labels::Question;
use warmer_benches::retrieval::measures::{Hit, Measured};
use warmer_benches::retrieval::options::Options;
use warmer_benches::retrieval::tables::{Asked, as_json, tables};
use warmer_benches::retrieval::variants;
use warmer_benches::wanted;
use warmer_tests::{GIT, Need};

const NEEDS: [Need; 5] = [GIT, Need::Runtime, Need::Model, Need::Program("python3"), Need::Program("ctags")];

fn main() -> ExitCode {
    if !wanted(&NEEDS) {
        return ExitCode::SUCCESS;
    }
    let options = Options::of(std::env::args().skip(1));
    let (options, corpora) = match options.and_then(|options| Ok((options.chosen()?, options))) {
        Ok((corpora, options)) => (options, corpora),
        Err(sentence) => {
            note(sentence);
            return ExitCode::FAILURE;
        }
    };
    let variants: Vec<_> = variants::all(options.ablations).collect();
    let names: Vec<_> = variants.iter().map(|variant| variant.name).collect();
    let mut answers = vec![];
    let asked: Vec<_> = corpora.iter().flat_map(|corpus| of(corpus, &variants, &options, &mut answers)).collect();
    let told = match options.json {
        true => format!("{:#}\n", as_json(&asked, &names)),
        false => [tables(&asked, &names), budgets(&answers)].join("\n"),
    };
    std::io::stdout().lock().write_all(told.as_bytes()).expect("stdout is open");
    let above: Vec<_> = answers.iter().filter(|answer| answer.tokens > answer.max_tokens).collect();
    above.iter().for_each(|answer| note(format_args!("more than was asked for: {answer:?}")));
    if above.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Asks all questions of a code base, for people and for agents.
fn of(corpus: &Corpus, variants: &[variants::Variant], options: &Options, answers: &mut Vec<Answer>) -> Vec<Asked> {
    let (labels, database) = corpus.made(&directory(), options.topics);
    note(format_args!("{}: {} questions", corpus.name, labels.questions.len()));
    let asker = Asker::open(&database);
    let mut agent = asker.agent();
    let ask = |question: &Question| {
        answers.extend(BUDGETS.map(|max_tokens| agent.ask(corpus, &question.question, max_tokens)));
        let hits: Vec<_> = variants.iter().map(|variant| asker.ask(&question.question, variant)).collect();
        let measured: Vec<_> = hits.iter().map(|hits| Measured::of(hits, &question.answers)).collect();
        if options.misses && measured[0].reciprocal < 1.0 {
            note(missed(question, &hits[0], &measured[0]));
        }
        Asked { corpus: corpus.name.clone(), kind: question.kind, named: question.named, measured }
    };
    let asked = labels.questions.iter().map(ask).collect();
    drop(agent);
    asker.close();
    asked
}

/// A question with something else in front of its answer.
fn missed(question: &Question, hits: &[Hit], measured: &Measured) -> String {
    let place = if measured.reciprocal > 0.0 { format!("{:.0}", 1.0 / measured.reciprocal) } else { "-".to_owned() };
    let right: Vec<_> = question.answers.iter().map(|place| &*place.path).collect();
    let first = hits.iter().take(3).flat_map(|hit| hit.shown.first()).map(|place| &*place.path);
    let (kind, first) = (question.kind.name(), first.collect::<Vec<_>>().join(", "));
    format!("{place:>2} {kind:<6} {:?}: {}; first are {first}", question.question, right.join(", "))
}

fn note(line: impl Display) {
    writeln!(std::io::stderr().lock(), "{line}").expect("stderr is open");
}
