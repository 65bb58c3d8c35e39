//! The table of languages. A further language is one entry here.
//!
//! A language without a grammar is cut as text, and has a name so that a search can be narrowed to it.

use std::sync::OnceLock;

use crate::grammar::Name::{Assigned, Declarator, Defined, Field, Implementation, Receiver};
use crate::grammar::{Grammar, Item, Name};
use crate::language::Structure::{Headings, Lines, Prose};
use crate::language::{Language, Structure};

const fn tree(
    version: &'static str,
    load: fn() -> tree_sitter::Language,
    separator: &'static str,
    items: &'static [Item],
) -> Structure {
    Structure::Tree(Grammar { version, load, separator, items, roles: OnceLock::new() })
}

const fn item(kind: &'static str, word: &'static str, name: Name) -> Item {
    Item { kind, word, name }
}

const fn named(
    name: &'static str,
    aliases: &'static [&'static str],
    extensions: &'static [&'static str],
    file_names: &'static [&'static str],
    interpreters: &'static [&'static str],
    structure: Structure,
) -> Language {
    Language { name, aliases, extensions, file_names, interpreters, structure }
}

const RUST: &[Item] = &[
    item("function_item", "fn", Field),
    item("function_signature_item", "fn", Field),
    item("impl_item", "impl", Implementation),
    item("struct_item", "struct", Field),
    item("enum_item", "enum", Field),
    item("union_item", "union", Field),
    item("trait_item", "trait", Field),
    item("mod_item", "mod", Field),
    item("macro_definition", "macro", Field),
    item("const_item", "const", Field),
    item("static_item", "static", Field),
    item("type_item", "type", Field),
];

const PYTHON: &[Item] = &[item("function_definition", "def", Field), item("class_definition", "class", Field)];

const JAVASCRIPT: &[Item] = &[
    item("function_declaration", "function", Field),
    item("generator_function_declaration", "function", Field),
    item("class_declaration", "class", Field),
    item("method_definition", "method", Field),
    item("variable_declarator", "const", Assigned),
];

const TYPESCRIPT: &[Item] = &[
    item("function_declaration", "function", Field),
    item("generator_function_declaration", "function", Field),
    item("function_signature", "function", Field),
    item("class_declaration", "class", Field),
    item("abstract_class_declaration", "class", Field),
    item("method_definition", "method", Field),
    item("public_field_definition", "field", Assigned),
    item("variable_declarator", "const", Assigned),
    item("interface_declaration", "interface", Field),
    item("type_alias_declaration", "type", Field),
    item("enum_declaration", "enum", Field),
    item("internal_module", "namespace", Field),
    item("module", "module", Defined),
];

const GO: &[Item] = &[
    item("function_declaration", "func", Field),
    item("method_declaration", "func", Receiver),
    item("type_spec", "type", Field),
];

const JAVA: &[Item] = &[
    item("class_declaration", "class", Field),
    item("interface_declaration", "interface", Field),
    item("enum_declaration", "enum", Field),
    item("record_declaration", "record", Field),
    item("annotation_type_declaration", "@interface", Field),
    item("method_declaration", "method", Field),
    item("constructor_declaration", "constructor", Field),
    item("compact_constructor_declaration", "constructor", Field),
];

const C: &[Item] = &[
    item("function_definition", "function", Declarator),
    item("struct_specifier", "struct", Defined),
    item("union_specifier", "union", Defined),
    item("enum_specifier", "enum", Defined),
    item("preproc_function_def", "macro", Field),
];

const CPP: &[Item] = &[
    item("function_definition", "function", Declarator),
    item("class_specifier", "class", Defined),
    item("struct_specifier", "struct", Defined),
    item("union_specifier", "union", Defined),
    item("enum_specifier", "enum", Defined),
    item("namespace_definition", "namespace", Field),
    item("concept_definition", "concept", Field),
    item("preproc_function_def", "macro", Field),
];

// The first entry is what everything is that has no other language.
pub(crate) static LANGUAGES: [Language; 55] = [
    named("text", &["plain text", "txt"], &["txt", "text", "log"], &["LICENSE", "COPYING", "AUTHORS"], &[], Prose),
    named(
        "rust",
        &["rs"],
        &["rs"],
        &[],
        &["rust-script"],
        tree("tree-sitter-rust 0.24.2", || tree_sitter_rust::LANGUAGE.into(), "::", RUST),
    ),
    named(
        "python",
        &["py", "python3"],
        &["py", "pyi", "pyw"],
        &["SConstruct", "SConscript", "wscript"],
        &["python", "pypy", "uv"],
        tree("tree-sitter-python 0.25.0", || tree_sitter_python::LANGUAGE.into(), ".", PYTHON),
    ),
    named(
        "javascript",
        &["js", "jsx", "node"],
        &["js", "jsx", "mjs", "cjs"],
        &["Jakefile"],
        &["node", "nodejs", "bun"],
        tree("tree-sitter-javascript 0.25.0", || tree_sitter_javascript::LANGUAGE.into(), ".", JAVASCRIPT),
    ),
    named(
        "typescript",
        &["ts"],
        &["ts", "mts", "cts"],
        &[],
        &["deno", "ts-node", "tsx"],
        tree("tree-sitter-typescript 0.23.2", || tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(), ".", TYPESCRIPT),
    ),
    named(
        "tsx",
        &[],
        &["tsx"],
        &[],
        &[],
        tree("tree-sitter-typescript 0.23.2", || tree_sitter_typescript::LANGUAGE_TSX.into(), ".", TYPESCRIPT),
    ),
    named(
        "go",
        &["golang"],
        &["go"],
        &[],
        &[],
        tree("tree-sitter-go 0.25.0", || tree_sitter_go::LANGUAGE.into(), ".", GO),
    ),
    named(
        "java",
        &[],
        &["java"],
        &[],
        &[],
        tree("tree-sitter-java 0.23.5", || tree_sitter_java::LANGUAGE.into(), ".", JAVA),
    ),
    named("c", &[], &["c"], &[], &["tcc"], tree("tree-sitter-c 0.24.2", || tree_sitter_c::LANGUAGE.into(), "::", C)),
    named(
        "cpp",
        &["c++"],
        &["cc", "cpp", "cxx", "c++", "hh", "hpp", "hxx", "h++", "ipp", "tpp", "inl", "cu", "cuh"],
        &[],
        &[],
        tree("tree-sitter-cpp 0.23.4", || tree_sitter_cpp::LANGUAGE.into(), "::", CPP),
    ),
    named("markdown", &["md"], &["md", "markdown", "mdx", "mkd", "mdown"], &[], &[], Headings),
    named("restructuredtext", &["rst"], &["rst"], &[], &[], Prose),
    named("asciidoc", &[], &["adoc", "asciidoc"], &[], &[], Prose),
    named("tex", &["latex"], &["tex", "sty", "bib"], &[], &[], Prose),
    named("csv", &[], &["csv", "tsv"], &[], &[], Prose),
    named("toml", &[], &["toml"], &[], &[], Lines),
    named("yaml", &["yml"], &["yaml", "yml"], &[".clang-format"], &[], Lines),
    named("json", &["jsonc", "json with comments"], &["json", "jsonc", "json5", "jsonl", "geojson"], &[], &[], Lines),
    named("xml", &[], &["xml", "xsd", "xsl", "xslt", "svg", "plist", "csproj"], &[], &[], Lines),
    named("html", &[], &["html", "htm", "xhtml"], &[], &[], Lines),
    named("vue", &[], &["vue"], &[], &[], Lines),
    named("svelte", &[], &["svelte"], &[], &[], Lines),
    named("css", &["scss", "sass", "less"], &["css", "scss", "sass", "less"], &[], &[], Lines),
    named("sql", &["plpgsql", "plsql", "tsql"], &["sql"], &[], &[], Lines),
    named(
        "shell",
        &["sh", "bash", "zsh"],
        &["sh", "bash", "zsh", "ksh", "bats"],
        &[".bashrc", ".profile", ".zshrc"],
        &["sh", "bash", "zsh", "ksh", "dash", "ash"],
        Lines,
    ),
    named("fish", &[], &["fish"], &[], &["fish"], Lines),
    named("powershell", &[], &["ps1", "psm1", "psd1"], &[], &["pwsh"], Lines),
    named("batch", &["batchfile"], &["bat", "cmd"], &[], &[], Lines),
    named("make", &["makefile"], &["mk", "mak"], &["Makefile", "makefile", "GNUmakefile"], &["make"], Lines),
    named("cmake", &[], &["cmake"], &["CMakeLists.txt"], &[], Lines),
    named("dockerfile", &[], &["dockerfile"], &["Dockerfile", "Containerfile"], &[], Lines),
    named("starlark", &["bazel"], &["bzl", "star"], &["BUILD", "BUILD.bazel", "WORKSPACE"], &[], Lines),
    named("hcl", &["terraform"], &["hcl", "tf"], &[], &[], Lines),
    named("nix", &[], &["nix"], &[], &[], Lines),
    named("ini", &["properties"], &["ini", "cfg", "conf", "properties"], &[".editorconfig", ".gitconfig"], &[], Lines),
    named("protobuf", &["protocol buffer", "proto"], &["proto"], &[], &[], Lines),
    named("graphql", &[], &["graphql", "gql"], &[], &[], Lines),
    named("c_sharp", &["c#", "csharp", "cs"], &["cs", "csx"], &[], &[], Lines),
    named("kotlin", &["kt"], &["kt", "kts"], &[], &["kotlin"], Lines),
    named("scala", &[], &["scala", "sc", "sbt"], &[], &["scala"], Lines),
    named("groovy", &[], &["groovy", "gradle"], &["Jenkinsfile"], &["groovy"], Lines),
    named("clojure", &[], &["clj", "cljs", "cljc", "edn"], &[], &[], Lines),
    named("swift", &[], &["swift"], &[], &["swift"], Lines),
    named("objective-c", &["objectivec", "objc"], &["m", "mm"], &[], &[], Lines),
    named("dart", &[], &["dart"], &[], &["dart"], Lines),
    named("ruby", &["rb"], &["rb", "rake", "gemspec"], &["Rakefile", "Gemfile"], &["ruby"], Lines),
    named("php", &[], &["php", "phtml"], &[], &["php"], Lines),
    named("perl", &[], &["pl", "pm"], &[], &["perl"], Lines),
    named("lua", &[], &["lua"], &[], &["lua", "luajit"], Lines),
    named("r", &[], &["r"], &[".Rprofile"], &["Rscript"], Lines),
    named("julia", &[], &["jl"], &[], &["julia"], Lines),
    named("elixir", &[], &["ex", "exs"], &[], &["elixir"], Lines),
    named("erlang", &[], &["erl", "hrl"], &[], &["escript"], Lines),
    named("haskell", &["hs"], &["hs"], &[], &["runhaskell"], Lines),
    named("zig", &[], &["zig"], &[], &[], Lines),
];
