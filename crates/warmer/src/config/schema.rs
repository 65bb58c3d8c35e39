//! The configuration's JSON Schema (draft-07, which editors understand best), with defaults and descriptions of the
//! manual.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::manual::MANUAL;
use super::sections::Config;

/// The schema: nothing is required in a file of the user's, and every key shows its default and what it is for.
pub(crate) fn schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = Value::from(settings.into_generator().into_root_schema_for::<Config>());
    let defaults: Map<String, Value> = toml::from_str(MANUAL).expect("the embedded manual is tested to be TOML");
    let comments = comments(MANUAL);
    relax(&mut schema);
    describe(&mut schema, Some(&"Warmer's configuration.".to_owned()));
    for (name, keys) in &defaults {
        let Some(section) = schema.pointer_mut(&format!("/properties/{name}")) else { continue };
        relax(section);
        describe(section, comments.get(name));
        if keys.is_array() {
            section["default"] = keys.clone();
        }
        for (key, default) in keys.as_object().into_iter().flatten() {
            let Some(property) = section.pointer_mut(&format!("/properties/{key}")) else { continue };
            forget(property);
            describe(property, comments.get(&format!("{name}.{key}")));
            property["default"] = default.clone();
        }
    }
    schema
}

/// Takes the list of required keys away: in a file of the user's any may be missing.
fn relax(schema: &mut Value) {
    if let Value::Object(schema) = schema {
        schema.remove("required");
    }
}

/// Takes away what the code says of a key, and of the keys of its tables: the manual says it for users.
fn forget(schema: &mut Value) {
    if let Value::Object(schema) = schema {
        schema.remove("description");
    }
    let keys = schema.pointer_mut("/items/properties").and_then(Value::as_object_mut);
    keys.into_iter().flatten().for_each(|(_, key)| forget(key));
}

fn describe(schema: &mut Value, comment: Option<&String>) {
    if let (Value::Object(schema), Some(comment)) = (schema, comment) {
        schema.insert("description".to_owned(), comment.as_str().into());
    }
}

/// The comment right above each section and key of the manual, by `section` and `section.key`.
fn comments(manual: &str) -> BTreeMap<String, String> {
    let mut comments = BTreeMap::new();
    let (mut section, mut comment) = (String::new(), Vec::new());
    for line in manual.lines() {
        if let Some(text) = line.strip_prefix('#') {
            comment.push(text.trim());
            continue;
        }
        let named = if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
            Some(section.clone())
        } else {
            let before = if section.is_empty() { String::new() } else { format!("{section}.") };
            line.split_once(" = ").map(|(key, _)| before + key)
        };
        let text = std::mem::take(&mut comment).join(" ");
        if let (Some(name), false) = (named, text.is_empty()) {
            comments.insert(name, text);
        }
    }
    comments
}
