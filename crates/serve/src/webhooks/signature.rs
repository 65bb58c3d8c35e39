//! Whether a request comes from who knows the secret. Both comparisons take as long whether they fail early or late.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use warmer_settings::Secret;

/// Whether `signature` is the HMAC-SHA256 of the body in hexadecimal.
pub(super) fn signed(secret: &Secret, signature: &str, body: &[u8]) -> bool {
    let Some(signature) = bytes(signature) else { return false };
    mac(secret.expose().as_bytes(), body).verify_slice(&signature).is_ok()
}

/// Whether the token is the secret. Their MACs are compared, so that not even the length of the secret shows in the
/// time.
pub(super) fn same(secret: &Secret, token: &str) -> bool {
    const KEY: &[u8] = b"compare";
    mac(KEY, secret.expose().as_bytes()).finalize() == mac(KEY, token.as_bytes()).finalize()
}

fn mac(key: &[u8], text: &[u8]) -> Hmac<Sha256> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.chain_update(text)
}

/// The bytes of a hexadecimal text.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// The signature of a body.
#[cfg(test)]
pub(super) fn signature(secret: &Secret, body: &[u8]) -> String {
    let bytes = mac(secret.expose().as_bytes(), body).finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of GitHub's documentation.
    const SIGNATURE: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn secret() -> Secret {
        Secret::new("It's a Secret to Everybody")
    }

    #[test]
    fn the_documented_signature_is_right() {
        assert!(signed(&secret(), SIGNATURE, b"Hello, World!"));
        assert_eq!(signature(&secret(), b"Hello, World!"), SIGNATURE);
    }

    #[test]
    fn any_other_signature_is_wrong() {
        assert!(!signed(&secret(), SIGNATURE, b"Hello, World?"));
        assert!(!signed(&Secret::new("another"), SIGNATURE, b"Hello, World!"));
        for header in ["", "sha1=7571", &SIGNATURE[..62], "zz", "\u{e4}\u{e4}", &SIGNATURE[2..], &SIGNATURE[..63]] {
            assert!(!signed(&secret(), header, b"Hello, World!"), "{header}");
        }
    }

    #[test]
    fn a_token_is_the_whole_secret() {
        assert!(same(&secret(), "It's a Secret to Everybody"));
        assert!(!same(&secret(), "It's a Secret") && !same(&secret(), ""));
    }
}
