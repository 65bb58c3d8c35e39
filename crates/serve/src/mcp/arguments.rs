//! What a call is given, checked: an argument that is not known is refused, never passed over.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use warmer_query::Sides;

use super::budget;
use super::refused::Refused;

/// `search`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchArguments {
    pub(super) query: String,
    #[serde(default, deserialize_with = "one_or_several")]
    pub(super) repositories: Vec<String>,
    pub(super) path: Option<String>,
    pub(super) language: Option<String>,
    pub(super) kind: Option<Kind>,
    #[serde(default, deserialize_with = "one_or_several")]
    pub(super) exclude: Vec<String>,
    #[serde(default, deserialize_with = "max_tokens")]
    pub(super) max_tokens: MaxTokens,
}

/// A kind of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Code,
    Docs,
    Tests,
}

impl Kind {
    pub(super) fn sides(self) -> Sides {
        Sides { code: self == Self::Code, docs: self == Self::Docs, tests: self == Self::Tests }
    }
}

/// `read`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadArguments {
    pub(super) path: Option<String>,
    pub(super) repository: Option<String>,
    pub(super) lines: Option<String>,
    pub(super) symbol: Option<String>,
    #[serde(default, deserialize_with = "flag")]
    pub(super) outline: bool,
    #[serde(default, deserialize_with = "max_tokens")]
    pub(super) max_tokens: MaxTokens,
}

/// `repositories`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RepositoriesArguments {
    #[serde(rename = "match")]
    pub(super) matching: Option<String>,
    pub(super) after: Option<String>,
    #[serde(default, deserialize_with = "max_tokens")]
    pub(super) max_tokens: MaxTokens,
}

/// The most tokens of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MaxTokens(pub(super) usize);

impl Default for MaxTokens {
    fn default() -> Self {
        Self(budget::DEFAULT)
    }
}

/// Reads the arguments of a tool.
pub(super) fn read<T: DeserializeOwned>(tool: &str, arguments: Option<Map<String, Value>>) -> Result<T, Refused> {
    serde_json::from_value(Value::Object(arguments.unwrap_or_default())).map_err(|error| {
        let error =
            error.to_string().replace("unknown field", "unknown argument").replace("missing field", "missing argument");
        Refused::new(format!("{tool}: {error}"))
    })
}

/// A list; one text is a list of one. `null` is as if it were not there, here and for all that may be left out.
fn one_or_several<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a list of texts")]
    enum Texts {
        One(String),
        Several(Vec<String>),
    }
    Ok(match Option::deserialize(from)? {
        None => vec![],
        Some(Texts::One(one)) => vec![one],
        Some(Texts::Several(several)) => several,
    })
}

fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// More than there may be is as much as there may be; the answer says how much that is.
fn max_tokens<'de, D: Deserializer<'de>>(from: D) -> Result<MaxTokens, D::Error> {
    match Option::<u64>::deserialize(from)? {
        None => Ok(MaxTokens::default()),
        Some(wanted) if wanted < budget::LEAST as u64 => {
            let least = budget::LEAST;
            Err(serde::de::Error::custom(format!("max_tokens is {wanted}, and must be at least {least}")))
        }
        Some(wanted) => Ok(MaxTokens(usize::try_from(wanted).unwrap_or(budget::MOST).min(budget::MOST))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn search(arguments: Value) -> Result<SearchArguments, String> {
        let Value::Object(arguments) = arguments else { panic!("no arguments: {arguments}") };
        read("search", Some(arguments)).map_err(|Refused(sentence)| sentence)
    }

    #[test]
    fn an_argument_that_is_not_known_or_not_right_is_refused_with_those_that_are() {
        let refused = |arguments| search(arguments).unwrap_err();
        let sentence = refused(json!({ "query": "a", "repo": "b" }));
        assert!(sentence.contains("unknown argument `repo`, expected one of `query`, `repositories`"), "{sentence}");
        assert!(refused(json!({})).contains("missing argument `query`"));
        assert!(refused(json!({ "query": 3 })).contains("expected a string"));
        assert!(refused(json!({ "query": "a", "exclude": 3 })).contains("expected a list of texts"));
        let sentence = refused(json!({ "query": "a", "max_tokens": 5 }));
        assert!(sentence.contains("max_tokens is 5, and must be at least 200"), "{sentence}");
        assert!(refused(json!({ "query": "a", "max_tokens": "many" })).contains("expected u64"));
    }

    #[test]
    fn what_is_left_out_or_null_is_its_default_and_one_text_is_a_list() {
        let plain = search(json!({ "query": "a" })).unwrap();
        assert_eq!((plain.max_tokens, plain.repositories.len()), (MaxTokens(budget::DEFAULT), 0));
        let nulls = json!({ "query": "a", "repositories": null, "path": null, "language": null, "kind": null,
                            "exclude": null, "max_tokens": null });
        assert_eq!(search(nulls).unwrap(), plain);
        let one = search(json!({ "query": "a", "repositories": "b", "max_tokens": 90_000 })).unwrap();
        assert_eq!((one.repositories, one.max_tokens), (vec!["b".to_owned()], MaxTokens(budget::MOST)));
    }
}
