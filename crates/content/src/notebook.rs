//! A Jupyter notebook as text: the sources of its cells in their order, without outputs.
//!
//! The form is the one that Jupytext calls *percent*: each cell behind a comment `%% cell 3`, the text of a Markdown
//! cell as comments, so that the whole reads as a program in the notebook's language.

use serde::Deserialize;

use crate::language::Language;

#[derive(Deserialize)]
struct Notebook {
    cells: Option<Vec<Cell>>,
    /// Before version 4 of the format.
    worksheets: Option<Vec<Worksheet>>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Worksheet {
    cells: Vec<Cell>,
}

#[derive(Deserialize)]
struct Cell {
    cell_type: String,
    source: Option<Source>,
    /// The source of a code cell before version 4 of the format.
    input: Option<Source>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Source {
    Whole(String),
    Lines(Vec<String>),
}

#[derive(Default, Deserialize)]
struct Metadata {
    kernelspec: Option<Kernel>,
    language_info: Option<Named>,
}

#[derive(Deserialize)]
struct Kernel {
    language: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    name: Option<String>,
}

/// The cells of a notebook, and the language of its code; `None` where this is no notebook.
pub(crate) fn read(json: &str) -> Option<(String, &'static Language)> {
    let Notebook { cells, worksheets, metadata } = serde_json::from_str(json).ok()?;
    let cells = cells.or_else(|| Some(worksheets?.into_iter().flat_map(|sheet| sheet.cells).collect()))?;
    let language = language(&metadata);
    let mark = comment(language);
    let mut text = String::new();
    for (number, cell) in (1..).zip(cells) {
        let source = match cell.source.or(cell.input) {
            Some(Source::Whole(source)) => source,
            Some(Source::Lines(lines)) => lines.concat(),
            None => String::new(),
        };
        let code = cell.cell_type == "code";
        let kind = if code { String::new() } else { format!(" [{}]", cell.cell_type) };
        text += &format!("{mark} %% cell {number}{kind}\n");
        for line in source.lines() {
            text += &if code { format!("{line}\n") } else { format!("{mark} {line}\n") };
        }
        text.push('\n');
    }
    Some((text, language))
}

/// What the kernel says, else what most notebooks are in.
fn language(metadata: &Metadata) -> &'static Language {
    let kernel = metadata.kernelspec.as_ref().and_then(|kernel| kernel.language.as_deref());
    let info = metadata.language_info.as_ref().and_then(|info| info.name.as_deref());
    let named = [info, kernel].into_iter().flatten().find_map(Language::by_name);
    named.or_else(|| Language::by_name("python")).unwrap_or_else(Language::text)
}

/// What a comment begins with.
fn comment(language: &Language) -> &'static str {
    const SLASHES: [&str; 14] = [
        "c",
        "c_sharp",
        "cpp",
        "dart",
        "go",
        "groovy",
        "java",
        "javascript",
        "kotlin",
        "php",
        "rust",
        "scala",
        "swift",
        "typescript",
    ];
    match language.name {
        name if SLASHES.contains(&name) => "//",
        "haskell" | "lua" | "sql" => "--",
        _ => "#",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notebook_is_its_cells_in_order_without_outputs() {
        let json = r##"{"nbformat": 4, "metadata": {"kernelspec": {"language": "python", "name": "python3"}}, "cells": [
            {"cell_type": "markdown", "metadata": {}, "source": ["# Sales\n", "by month"]},
            {"cell_type": "code", "execution_count": 1, "source": "def total(rows):\n    return sum(rows)",
             "outputs": [{"data": {"image/png": "iVBORw0KGgo="}, "output_type": "display_data"}]},
            {"cell_type": "code", "source": [], "outputs": []}]}"##;
        let (text, language) = read(json).expect("a notebook");
        let cells = "# %% cell 1 [markdown]\n# # Sales\n# by month\n\n# %% cell 2\ndef total(rows):\n    return \
            sum(rows)\n\n# %% cell 3\n\n";
        assert_eq!((text.as_str(), language.name), (cells, "python"));
    }

    #[test]
    fn an_old_notebook_and_one_of_another_language_are_read_too() {
        let old = r#"{"nbformat": 3, "worksheets": [{"cells": [
            {"cell_type": "code", "input": ["x = 1"], "language": "python"}]}]}"#;
        assert_eq!(read(old).expect("a notebook").0, "# %% cell 1\nx = 1\n\n");
        let rust =
            r#"{"metadata": {"language_info": {"name": "rust"}}, "cells": [{"cell_type": "raw", "source": "x"}]}"#;
        let (text, language) = read(rust).expect("a notebook");
        assert_eq!((text.as_str(), language.name), ("// %% cell 1 [raw]\n// x\n\n", "rust"));
    }

    #[test]
    fn other_json_is_no_notebook() {
        for json in ["{}", "[]", "{\"cells\": 1}", "not json", ""] {
            assert!(read(json).is_none(), "{json}");
        }
    }
}
