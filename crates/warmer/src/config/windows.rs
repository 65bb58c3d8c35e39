//! `[[windows]]`: when the fleet has another number of slots. Each table is read alone, so that every mistake is found.

use warmer_store::Window;

use super::problem::Problem;
use super::value::Entry;

/// The windows of the tables, in their order, and everything that is wrong with them.
pub(super) fn read(entries: &[Entry<'_>]) -> (Vec<Window>, Vec<Problem>) {
    let (mut windows, mut problems) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry.read("windows", &["from", "to", "slots"]) {
            Ok(window) => windows.push(window),
            Err(found) => problems.extend(found),
        }
    }
    (windows, problems)
}
