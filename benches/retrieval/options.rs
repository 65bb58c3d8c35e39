//! What is asked for on the command line.

use super::corpora::{Corpus, Role};

/// The options, for people.
pub const USAGE: &str = "\
usage: cargo xtask bench retrieval [OPTION]...

  --report         ask the code bases that are kept for the final figures, not those to build with
  --corpus NAME    ask this one only; may be given several times
  --topics         ask what a person wrote about the code bases to build with, whose comments stay then
  --ablations      also without each signal of the ranking
  --misses         list the questions whose right file is not the first, with its place and what stood in front
  --json           one JSON document instead of tables";

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Those for the report.
    pub report: bool,
    /// Only these.
    pub corpora: Vec<String>,
    /// Whether to ask what a person wrote.
    pub topics: bool,
    /// Whether to leave out each signal in turn.
    pub ablations: bool,
    /// Whether to list what was not found in the first place.
    pub misses: bool,
    /// Whether a machine reads it.
    pub json: bool,
}

impl Options {
    /// Reads the arguments, without the program's name.
    ///
    /// # Errors
    /// A sentence, or the usage where that was asked for.
    pub fn of(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let (mut options, mut arguments) = (Self::default(), arguments.into_iter());
        while let Some(argument) = arguments.next() {
            match &*argument {
                "--report" => options.report = true,
                "--topics" => options.topics = true,
                "--ablations" => options.ablations = true,
                "--misses" => options.misses = true,
                "--json" => options.json = true,
                "--corpus" => options.corpora.extend(arguments.next()),
                // `cargo bench` says so to each benchmark.
                "--bench" => {}
                "--help" => return Err(USAGE.to_owned()),
                other => return Err(format!("there is no option {other}\n\n{USAGE}")),
            }
        }
        Ok(options)
    }

    /// The code bases to ask.
    ///
    /// # Errors
    /// When there is none of a name.
    pub fn chosen(&self) -> Result<Vec<Corpus>, String> {
        let all = Corpus::all();
        if let Some(name) = self.corpora.iter().find(|name| all.iter().all(|one| one.name != **name)) {
            let names: Vec<_> = all.iter().map(|one| &*one.name).collect();
            return Err(format!("there is no code base {name}: there are {}", names.join(", ")));
        }
        if self.topics && self.report {
            return Err("--topics are about the code bases to build with: ask them without --report".to_owned());
        }
        let role = if self.report { Role::Report } else { Role::Build };
        let wanted = |one: &Corpus| match self.corpora.is_empty() {
            true => one.role == role,
            false => self.corpora.contains(&one.name),
        };
        Ok(all.into_iter().filter(wanted).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Result<Options, String> {
        Options::of(arguments.iter().copied().map(str::to_owned))
    }

    #[test]
    fn what_is_kept_for_the_report_is_asked_only_when_that_is_said() {
        let roles = |arguments: &[&str]| {
            let chosen = options(arguments).unwrap().chosen().unwrap();
            chosen.into_iter().map(|one| one.role).collect::<Vec<_>>()
        };
        assert!(roles(&["--bench"]).iter().all(|role| *role == Role::Build));
        assert!(roles(&["--report"]).iter().all(|role| *role == Role::Report));
        assert_eq!(roles(&["--corpus", "rustls"]), [Role::Build]);
    }

    #[test]
    fn topics_are_asked_of_what_is_there_to_build_with() {
        let topics = options(&["--topics"]).unwrap();
        assert!(topics.topics && topics.chosen().unwrap().iter().all(|one| one.role == Role::Build));
        assert!(options(&["--topics", "--report"]).unwrap().chosen().unwrap_err().contains("without --report"));
    }

    #[test]
    fn a_misspelt_option_or_name_is_told() {
        assert!(options(&["--ablation"]).unwrap_err().starts_with("there is no option --ablation"));
        let error = options(&["--corpus", "nothing"]).unwrap().chosen().unwrap_err();
        assert!(error.starts_with("there is no code base nothing: there are rustls, "), "{error}");
    }
}
