//! W3C Trace Context, version 00.

/// Whether this names a trace that a job can be linked to: `00-TRACE-SPAN-FLAGS` in small hexadecimal, neither id zero.
pub(super) fn is_traceparent(text: &str) -> bool {
    let fields: Vec<_> = text.split('-').collect();
    let ["00", trace, span, flags] = fields[..] else { return false };
    let hexadecimal = |field: &str, length| {
        field.len() == length && field.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let names = |field: &str, length| hexadecimal(field, length) && field.bytes().any(|byte| byte != b'0');
    names(trace, 32) && names(span, 16) && hexadecimal(flags, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_has_four_fields_and_two_ids_that_are_not_zero() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert!(is_traceparent(text));
        let zeros = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
        let large = text.to_uppercase();
        let longer = format!("{text}-and-more");
        for bad in ["", "00-0-0-01", &format!("01{}", &text[2..]), &text[..50], zeros, &large, &longer] {
            assert!(!is_traceparent(bad), "{bad}");
        }
    }
}
