//! One server in a client's file: set, or taken out, and nothing else of the file is touched.

use anyhow::{Context as _, anyhow, bail};
use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use serde_json::Value;
use toml_edit::{DocumentMut, Item, Table, TomlError};

use super::clients::{Format, NAME, Place};

/// The file with the server as `entry` has it; without it where there is none. What was so before is the same text.
///
/// # Errors
/// When the file is not what its client would read: what of it, as the end of a sentence that names it.
pub(super) fn edited(text: &str, place: &Place, entry: Option<&Value>) -> anyhow::Result<String> {
    match place.format {
        Format::Json => json(text, place.key, entry),
        Format::Toml => toml(text, place.key, entry),
    }
}

/// The server alone, as a file of its own would have it.
pub(super) fn alone(place: &Place, entry: &Value) -> anyhow::Result<String> {
    edited("", place, Some(entry))
}

fn json(text: &str, key: &str, entry: Option<&Value>) -> anyhow::Result<String> {
    let now = jsonc_parser::parse_to_serde_value::<Value>(text, &ParseOptions::default())
        .map_err(|error| anyhow!("it is no JSON that its client could read ({error})"))?;
    let before = now.get(key).and_then(|servers| servers.get(NAME));
    let is_so = match (before, entry) {
        (None, None) => true,
        (Some(before), Some(entry)) => differing(before, entry).next().is_none(),
        _ => false,
    };
    if is_so {
        return Ok(text.to_owned());
    }
    let root = CstRootNode::parse(text, &ParseOptions::default())?;
    let all = if text.trim().is_empty() { Some(root.object_value_or_set()) } else { root.object_value() };
    let all = all.context("its outermost value is not an object in braces")?;
    match entry {
        Some(entry) => set(&servers(&all, key)?, before, entry),
        None => {
            if let Some(server) = all.object_value(key).and_then(|servers| servers.get(NAME)) {
                server.remove();
            }
        }
    }
    let mut edited = root.to_string();
    if !edited.ends_with('\n') {
        edited.push('\n');
    }
    Ok(edited)
}

/// The members of an entry that a server has not, or has otherwise. What more it has is its owner's, such as a time
/// limit.
fn differing<'a>(server: &'a Value, entry: &'a Value) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let members = entry.as_object().into_iter().flatten();
    members.filter(|(name, value)| server.get(name.as_str()) != Some(*value))
}

/// The object of all servers, made where there is none.
fn servers(all: &CstObject, key: &str) -> anyhow::Result<CstObject> {
    all.object_value_or_create(key).with_context(|| format!("its value of {key:?} is not an object in braces"))
}

fn set(servers: &CstObject, before: Option<&Value>, entry: &Value) {
    match (servers.object_value(NAME), servers.get(NAME)) {
        (Some(server), _) => {
            for (name, value) in differing(before.unwrap_or(&Value::Null), entry) {
                match server.get(name) {
                    Some(member) => member.set_value(input(value)),
                    None => drop(server.append(name, input(value))),
                }
            }
        }
        (None, Some(server)) => server.set_value(input(entry)),
        (None, None) => drop(servers.append(NAME, input(entry))),
    }
}

/// A value as the editor takes it.
fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(flag) => CstInputValue::Bool(*flag),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(values) => CstInputValue::Array(values.iter().map(input).collect()),
        Value::Object(members) => {
            CstInputValue::Object(members.iter().map(|(name, value)| (name.clone(), input(value))).collect())
        }
    }
}

fn toml(text: &str, key: &str, entry: Option<&Value>) -> anyhow::Result<String> {
    let mut document: DocumentMut = text.parse().map_err(|error: TomlError| {
        let line = text[..error.span().map_or(0, |span| span.start)].lines().count().max(1);
        anyhow!("it is no TOML that its client could read ({} on line {line})", error.message().replace('\n', ", "))
    })?;
    let Some(entry) = entry else {
        let servers = document.get_mut(key).and_then(Item::as_table_like_mut);
        let taken = servers.and_then(|servers| servers.remove(NAME));
        return Ok(if taken.is_some() { document.to_string() } else { text.to_owned() });
    };
    let servers = document.entry(key).or_insert_with(|| {
        // Its own header would be a line without a meaning.
        let mut servers = Table::new();
        servers.set_implicit(true);
        Item::Table(servers)
    });
    let Some(servers) = servers.as_table_like_mut() else { bail!("its value of {key:?} is not a table") };
    let wanted = table(entry);
    let Some(server) = servers.get_mut(NAME).and_then(Item::as_table_like_mut) else {
        servers.insert(NAME, Item::Table(wanted));
        return Ok(document.to_string());
    };
    let differing: Vec<_> =
        wanted.iter().filter(|(name, item)| server.get(name).is_none_or(|has| bare(has) != bare(item))).collect();
    if differing.is_empty() {
        return Ok(text.to_owned());
    }
    for (name, item) in differing {
        server.insert(name, item.clone());
    }
    Ok(document.to_string())
}

/// Of text and of lists of it, which is all that an entry has.
fn table(entry: &Value) -> Table {
    let mut table = Table::new();
    for (name, value) in entry.as_object().into_iter().flatten() {
        let item = match value {
            Value::Array(texts) => {
                let texts: toml_edit::Array = texts.iter().filter_map(Value::as_str).collect();
                toml_edit::value(texts)
            }
            value => toml_edit::value(value.as_str().unwrap_or_default()),
        };
        table.insert(name, item);
    }
    table
}

/// Without the blanks, which are its owner's.
fn bare(item: &Item) -> String {
    item.to_string().split_whitespace().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn place(format: Format, key: &'static str) -> Place {
        Place { file: "/f".into(), format, key }
    }

    fn entry() -> Value {
        json!({ "command": "/bin/warmer", "args": ["mcp"] })
    }

    /// Set, set again, taken out: what is in the file after each.
    fn through(text: &str, place: &Place) -> (String, String) {
        let set = edited(text, place, Some(&entry())).unwrap();
        assert_eq!(edited(&set, place, Some(&entry())).unwrap(), set, "what is so is left as it is");
        let out = edited(&set, place, None).unwrap();
        assert_eq!(edited(&out, place, None).unwrap(), out);
        (set, out)
    }

    const SETTINGS: &str = r#"// My settings, do not reformat
{
  "theme": "One Dark", // dark
  /* servers */
  "context_servers": {
    "other": { "source": "custom", "command": "other", "args": [] }, // keep
  },
  "buffer_font_size": 15,
}
"#;

    #[test]
    fn comments_order_and_commas_of_a_json_file_stay_as_they_are() {
        let place = place(Format::Json, "context_servers");
        let (set, out) = through(SETTINGS, &place);
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        assert!(lines(SETTINGS).iter().all(|line| lines(&set).contains(line)), "{set}");
        let value = jsonc_parser::parse_to_serde_value::<Value>(&set, &ParseOptions::default()).unwrap();
        assert_eq!(value["context_servers"]["warmer"], entry());
        assert_eq!(value["buffer_font_size"], 15);
        assert_eq!(out, SETTINGS, "taken out, it is as it was");
    }

    #[test]
    fn what_its_owner_added_to_the_server_stays() {
        let place = place(Format::Json, "mcpServers");
        let text =
            r#"{ "mcpServers": { "warmer": { "command": "/old", "env": { "RUST_LOG": "debug" }, "args": ["mcp"] } } }"#;
        let set = edited(text, &place, Some(&entry())).unwrap();
        assert!(
            set.contains(r#"{ "command": "/bin/warmer", "env": { "RUST_LOG": "debug" }, "args": ["mcp"] }"#),
            "{set}"
        );
    }

    #[test]
    fn a_file_that_is_not_there_or_empty_becomes_one_with_the_server() {
        for text in ["", " \n", "{}"] {
            let (set, _) = through(text, &place(Format::Json, "mcpServers"));
            let value: Value = serde_json::from_str(&set).unwrap();
            assert_eq!(value, json!({ "mcpServers": { "warmer": entry() } }), "{text:?}");
        }
        let (set, out) = through("", &place(Format::Toml, "mcp_servers"));
        assert_eq!(set, "[mcp_servers.warmer]\nargs = [\"mcp\"]\ncommand = \"/bin/warmer\"\n");
        assert_eq!(out, "");
    }

    #[test]
    fn comments_and_order_of_a_toml_file_stay_as_they_are() {
        let text =
            "# mine\nmodel = \"a\" # best\n\n[mcp_servers.other] # keep\ncommand = \"other\"\n\n[tools]\nweb = true\n";
        let place = place(Format::Toml, "mcp_servers");
        let (set, out) = through(text, &place);
        assert!(text.lines().all(|line| set.lines().any(|other| other == line)), "{set}");
        assert!(set.contains("[mcp_servers.warmer]\n"), "{set}");
        assert_eq!(out, text);
        let own = "[mcp_servers.warmer]\ncommand = \"/old\"\nargs = [ \"mcp\" ]\nstartup_timeout_sec = 20\n";
        let set = edited(own, &place, Some(&entry())).unwrap();
        assert_eq!(set, own.replace("/old", "/bin/warmer"));
    }

    #[test]
    fn a_file_that_its_client_could_not_read_is_refused_with_what_is_wrong_in_one_line() {
        let refused = |text: &str, place: &Place| edited(text, place, Some(&entry())).unwrap_err().to_string();
        let (json, toml) = (place(Format::Json, "mcpServers"), place(Format::Toml, "mcp_servers"));
        for (place, text, expected) in [
            (&json, "{\n", "it is no JSON that its client could read (Unterminated object on line 2 column 1)"),
            (&json, "[]", "its outermost value is not an object in braces"),
            (&json, r#"{ "mcpServers": [] }"#, "its value of \"mcpServers\" is not an object in braces"),
            (&toml, "a = 1\nb = ", "it is no TOML that its client could read ("),
            (&toml, "mcp_servers = 3", "its value of \"mcp_servers\" is not a table"),
        ] {
            let sentence = refused(text, place);
            assert!(sentence.starts_with(expected) && !sentence.contains('\n'), "{text}: {sentence}");
        }
        assert!(refused("a = 1\nb = ", &toml).ends_with("on line 2)"), "{}", refused("a = 1\nb = ", &toml));
    }
}
