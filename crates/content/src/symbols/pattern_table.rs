//! The patterns of the languages whose grammar is not part of the product. A further language is one entry here.
//!
//! What is hardly ever asked for by name has none: keys of YAML and JSON, elements of HTML, rules of CSS.

mod classes;
mod plain;

use super::patterns::Patterns;
use crate::language::Language;

/// The patterns that the language's texts are read with, where there are any.
pub(super) fn of(language: &Language) -> Option<&'static Patterns> {
    Some(match language.name {
        "c_sharp" => &classes::C_SHARP,
        "clojure" => &plain::CLOJURE,
        "cmake" => &plain::CMAKE,
        "dart" => &classes::DART,
        "dockerfile" => &plain::DOCKERFILE,
        "elixir" => &plain::ELIXIR,
        "erlang" => &plain::ERLANG,
        "fish" => &plain::FISH,
        "graphql" => &plain::GRAPHQL,
        "groovy" => &classes::GROOVY,
        "haskell" => &plain::HASKELL,
        "hcl" => &plain::HCL,
        "ini" | "toml" => &plain::TABLES,
        "julia" => &plain::JULIA,
        "kotlin" => &classes::KOTLIN,
        "lua" => &plain::LUA,
        "make" => &plain::MAKE,
        "objective-c" => &classes::OBJECTIVE_C,
        "perl" => &plain::PERL,
        "php" => &classes::PHP,
        "powershell" => &plain::POWERSHELL,
        "protobuf" => &plain::PROTOBUF,
        "r" => &plain::R,
        "ruby" => &classes::RUBY,
        "scala" => &classes::SCALA,
        "shell" => &plain::SHELL,
        "sql" => &plain::SQL,
        "starlark" => &plain::STARLARK,
        "svelte" | "vue" => &classes::SCRIPT,
        "swift" => &classes::SWIFT,
        "zig" => &classes::ZIG,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a line defines: its kind and name.
    fn defined(language: &str, line: &str) -> Option<String> {
        let patterns = of(Language::by_name(language).expect("a language of the table")).expect("patterns");
        patterns.defined(line).map(|(kind, name)| format!("{} {name}", kind.as_str()))
    }

    #[test]
    fn a_line_of_each_language_defines_its_name() {
        for (language, line, expected) in [
            ("c_sharp", "[Serializable] public sealed partial class Queue<T> : IQueue", "class Queue"),
            ("c_sharp", "internal static async Task<List<int>> ClaimAsync<T>(", "method ClaimAsync"),
            ("c_sharp", "public int Count { get; }", "field Count"),
            ("clojure", "(defn- ^:private claim! [queue]", "function claim!"),
            ("cmake", "function(add_queue NAME)", "function add_queue"),
            ("dart", "Future<Job?> claim(String worker) async {", "function claim"),
            ("dockerfile", "FROM debian:12 AS build", "module build"),
            ("elixir", "defp claim?(job) do", "function claim?"),
            ("elixir", "defmodule Warm.Queue do", "module Warm.Queue"),
            ("erlang", "claim(Queue, Id) when is_list(Queue) ->", "function claim"),
            ("fish", "function claim --argument id", "function claim"),
            ("graphql", "type Job implements Node {", "type Job"),
            ("groovy", "private static String claim(int id) {", "function claim"),
            ("haskell", "claim :: Queue -> Maybe Job", "function claim"),
            ("hcl", "resource \"aws_instance\" \"web\" {", "struct web"),
            ("ini", "[core.editor]", "section core.editor"),
            ("julia", "@inline function Base.push!(q, x)", "function Base.push!"),
            ("kotlin", "override suspend fun <T> Queue<T>.claim(id: Int): Job? {", "function claim"),
            ("kotlin", "data class Job(val id: Int)", "class Job"),
            ("lua", "function Queue:claim(id)", "function Queue:claim"),
            ("make", "build: src/main.c", "function build"),
            ("objective-c", "- (Job *)claim:(int)id {", "method claim"),
            ("perl", "sub claim {", "function claim"),
            ("php", "public static function &claim(int $id): ?Job", "function claim"),
            ("php", "final class Queue extends Base", "class Queue"),
            ("powershell", "function Get-Job {", "function Get-Job"),
            ("protobuf", "rpc Claim(Request) returns (Job);", "method Claim"),
            ("r", "claim.job <- function(id) {", "function claim.job"),
            ("ruby", "private def self.claim!(id)", "function claim!"),
            ("scala", "@tailrec private[warm] final def claim[T](id: Int): Job =", "function claim"),
            ("shell", "claim_job() {", "function claim_job"),
            ("sql", "CREATE OR REPLACE FUNCTION warm.claim(id int)", "function warm.claim"),
            ("sql", "create temp table if not exists job (", "table job"),
            ("starlark", "def claim(ctx):", "function claim"),
            ("swift", "@objc public private(set) var size: Int", "field size"),
            ("swift", "public static func claim<T>(id: Int) -> T?", "function claim"),
            ("toml", "[workspace.lints.rust]", "section workspace.lints.rust"),
            ("vue", "export default async function claim(id) {", "function claim"),
            ("zig", "pub const Queue = struct {", "struct Queue"),
        ] {
            assert_eq!(defined(language, line).as_deref(), Some(expected), "{language}: {line}");
        }
    }

    #[test]
    fn a_call_an_assignment_and_a_comparison_define_nothing() {
        for (language, line) in [
            ("c_sharp", "return Claim(id);"),
            ("c_sharp", "Claim(id);"),
            ("php", "$this->claim($id);"),
            ("ruby", "Queue == other"),
            ("make", "CFLAGS := -O2"),
            ("shell", "claim_job \"$1\""),
            ("sql", "select * from job"),
            ("kotlin", "claim(id)"),
            ("elixir", "default = 1"),
        ] {
            assert_eq!(defined(language, line), None, "{language}: {line}");
        }
    }

    #[test]
    fn every_pattern_compiles() {
        for patterns in Language::all().iter().filter_map(of) {
            assert_eq!(patterns.defined(""), None);
        }
    }
}
