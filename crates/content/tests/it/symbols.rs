//! Symbols, headers and lines on real snippets of each language.
