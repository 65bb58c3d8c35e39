//! The configuration's JSON Schema (draft-07, which editors understand best), with the defaults of the manual.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::load::manual;
use super::{Config, MANUAL};

/// The schema: nothing is required in a file of the user's, and every key shows its default.
pub(crate) fn schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = Value::from(settings.into_generator().into_root_schema_for::<Config>());
    let defaults: Map<String, Value> = toml::from_str(MANUAL).expect("the embedded manual is tested to be TOML");
    relax(&mut schema);
    for section in manual().keys() {
        let name = section.get_ref().as_ref();
        let Some(keys) = schema.pointer_mut(&format!("/properties/{name}")) else { continue };
        relax(keys);
        for (key, default) in defaults.get(name).and_then(Value::as_object).into_iter().flatten() {
            if let Some(Value::Object(key)) = keys.pointer_mut(&format!("/properties/{key}")) {
                key.insert("default".to_owned(), default.clone());
            }
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
