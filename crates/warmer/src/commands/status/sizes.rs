//! The pools of an instance that have another size for a while, by `warmer tune`: a sentence for each.

use warmer_query::TunedSize;

use crate::output::{counted, printable, until};

pub(super) fn sentence(size: &TunedSize) -> String {
    let TunedSize { asked, set_by, stage, until: ends, workers: [was, is] } = size;
    let bounded = if asked > is { format!(" of {asked} (the most here, by [tune] max)") } else { String::new() };
    format!(
        "the pool {} has {}{bounded} instead of {was}, and ends that {}: `warmer tune` of {}",
        printable(stage),
        counted((*is).into(), "worker"),
        until(*ends),
        printable(set_by),
    )
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use warmer_query::Moment;

    use super::*;

    #[test]
    fn a_size_is_told_with_what_was_before_who_asked_until_when_and_its_bound() {
        let size = TunedSize {
            asked: 6,
            set_by: "ann on box\u{1b}[2J".to_owned(),
            stage: "hasher".to_owned(),
            until: Moment(SystemTime::now() + Duration::from_millis(600_900)),
            workers: [2, 6],
        };
        let expected =
            "the pool hasher has 6 workers instead of 2, and ends that in 10m: `warmer tune` of ann on box\\u{1b}[2J";
        assert_eq!(sentence(&size), expected);
        let bounded = sentence(&TunedSize { asked: 900, workers: [2, 1], ..size });
        assert!(bounded.starts_with("the pool hasher has 1 worker of 900 (the most here, by [tune] max) instead of 2"));
    }
}
