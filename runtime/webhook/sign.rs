//! How a receiver knows that an event is ours: HMAC-SHA256 (RFC 2104) of its time and body, with the webhook's secret.

use sha2::{Digest, Sha256};

use crate::message::Timestamp;

const BLOCK: usize = 64;

/// As the header `wasmsc-signature` has it: `t=<seconds since 1970>,v1=<hexadecimal>`, of `<seconds>.<body>`.
pub fn signature(secret: &str, now: Timestamp, body: &[u8]) -> String {
    let secs = now.0 / 1_000;
    let signed = [format!("{secs}.").as_bytes(), body].concat();
    let digits: String = hmac(secret.as_bytes(), &signed).iter().map(|octet| format!("{octet:02x}")).collect();
    format!("t={secs},v1={digits}")
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let padded = |with: u8| block.map(|octet| octet ^ with);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231 §4.3 and §4.7.
    #[test]
    fn it_is_the_hmac_of_the_standard() {
        let hex = |octets: [u8; 32]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        assert_eq!(
            hex(hmac(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let long = hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(hex(long), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }
}
