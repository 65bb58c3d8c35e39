//! The telemetry of the runtime's library, which is off: nothing leaves the machine unasked. Its switch is the one
//! variable that this process sets for itself, and for all that it starts.

/// Tells the runtime's library, before it is loaded, not to report to its maker. It begins to do so while it is loaded,
/// and its API can only end that afterwards: by then it has looked up a foreign host and written a database of events.
///
/// Must be the first that `main` does.
pub(crate) fn switch_off() {
    let (name, value) = warmer_embedding::TELEMETRY_OFF;
    // SAFETY: nobody else reads or writes the environment meanwhile, since `main` has not begun anything: there is no
    // second thread.
    #[expect(unsafe_code, reason = "the library reads its switch from the environment of this process only")]
    unsafe {
        std::env::set_var(name, value);
    }
}
