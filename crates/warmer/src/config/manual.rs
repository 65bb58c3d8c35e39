//! The defaults and the manual, part of the program.

use super::value::Table;

/// Every key with its default, and what it is for.
pub(crate) const MANUAL: &str = include_str!("../../../../config/warmer.toml");

/// The defaults with the position of everything in them.
pub(super) fn defaults() -> Table<'static> {
    Table::parse(MANUAL).expect("the embedded manual is tested to be TOML").into_inner()
}
