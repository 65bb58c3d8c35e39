//! A payload in a form: `payload=%7B%22ref%22…`.

/// The field `payload`, its escapes resolved; `None` where there is none.
pub(super) fn payload(body: &[u8]) -> Option<Vec<u8>> {
    let field = body.split(|byte| *byte == b'&').find_map(|field| field.strip_prefix(b"payload="))?;
    let mut bytes = field.iter().copied();
    let mut text = Vec::with_capacity(field.len());
    while let Some(byte) = bytes.next() {
        text.push(match byte {
            b'+' => b' ',
            b'%' => hexadecimal(bytes.next()?)? << 4 | hexadecimal(bytes.next()?)?,
            byte => byte,
        });
    }
    Some(text)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_of_a_form_is_read_with_its_escapes_resolved() {
        assert_eq!(
            payload(b"payload=%7B%22a%22%3A+%22%C3%A9%2b%22%7D&x=1").unwrap(),
            "{\"a\": \"\u{e9}+\"}".as_bytes()
        );
        assert_eq!(payload(b"x=1&payload=").unwrap(), b"");
        for broken in [&b"{}"[..], b"x=1", b"payload=%7", b"payload=%zz"] {
            assert_eq!(payload(broken), None);
        }
    }
}
