//! STUN (RFC 8489): a binding request, whose answer tells our own address as the server sees it.

use std::net::{IpAddr, SocketAddr};

use watchkeep_model::udp::Facts;

use super::{Fault, Nonce, take};
use crate::outside::shown;

/// Bytes of the header.
const HEADER: usize = 20;
/// What tells STUN from other protocols.
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const REQUEST: u16 = 0x0001;
const SUCCESS: u16 = 0x0101;
const ERROR: u16 = 0x0111;
const MAPPED_ADDRESS: u16 = 0x0001;
const ERROR_CODE: u16 = 0x0009;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;

/// A binding request without attributes.
pub(super) fn request(nonce: &Nonce) -> Vec<u8> {
    let [high, low] = REQUEST.to_be_bytes();
    [&[high, low, 0, 0][..], &COOKIE, &nonce[..12]].concat()
}

/// A binding success for our transaction, with our address.
pub(super) fn read(nonce: &Nonce, datagram: &[u8]) -> Result<Facts, Fault> {
    let Some((header, attributes)) = take::<HEADER>(datagram) else {
        let detail = format!("a STUN message has {HEADER} bytes at least, and this one has {}", datagram.len());
        return Err(Fault::invalid(detail).stray());
    };
    if header[0] >> 6 != 0 || header[4..8] != COOKIE {
        return Err(Fault::invalid("it is no STUN message").stray());
    }
    if header[8..] != nonce[..12] {
        return Err(Fault::unexpected("it answers another STUN request").stray());
    }
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if length != attributes.len() {
        let came = attributes.len();
        return Err(Fault::invalid(format!("the STUN message has {came} bytes of attributes and tells of {length}")));
    }
    let attributes = read_attributes(attributes)
        .ok_or_else(|| Fault::invalid("the STUN message ends in the middle of an attribute"))?;
    let find = |wanted: u16| attributes.iter().find(|(kind, _)| *kind == wanted).map(|(_, value)| *value);
    match u16::from_be_bytes([header[0], header[1]]) {
        SUCCESS => {
            let mask = [&COOKIE[..], &nonce[..12]].concat();
            let hidden = find(XOR_MAPPED_ADDRESS).map(|value| (value, &mask[..]));
            // Servers of RFC 3489 tell it openly.
            let open = find(MAPPED_ADDRESS).map(|value| (value, &[0; 16][..]));
            let (value, mask) =
                hidden.or(open).ok_or_else(|| Fault::unexpected("the STUN server's answer has no address"))?;
            let mapped_address = address(value, mask)
                .ok_or_else(|| Fault::invalid("the STUN server's answer has a malformed address"))?;
            Ok(Facts::Stun { mapped_address })
        }
        ERROR => Err(Fault::unexpected(match find(ERROR_CODE).and_then(take::<4>) {
            Some((code, words)) => {
                let number = u16::from(code[2] & 7) * 100 + u16::from(code[3]);
                format!("the STUN server answers error {number} {}", shown(&String::from_utf8_lossy(words)))
            }
            None => "the STUN server answers an error without a code".to_owned(),
        })),
        kind => Err(Fault::unexpected(format!("it is a STUN message of type {kind:#06x} and no answer"))),
    }
}

/// Types and values; `None` where the last one is cut. Each is filled up to four bytes.
fn read_attributes(mut bytes: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let mut attributes = Vec::new();
    while !bytes.is_empty() {
        let (head, rest) = take::<4>(bytes)?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        attributes.push((u16::from_be_bytes([head[0], head[1]]), rest.get(..length)?));
        bytes = rest.get(length.next_multiple_of(4)..)?;
    }
    Some(attributes)
}

/// The address of an attribute, with the mask taken off.
fn address(value: &[u8], mask: &[u8]) -> Option<SocketAddr> {
    let ([_, family, high, low], address) = take::<4>(value)?;
    let port = u16::from_be_bytes([high ^ mask[0], low ^ mask[1]]);
    let unmasked: Vec<u8> = address.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
    let ip = match (family, address.len()) {
        (1, 4) => IpAddr::from(<[u8; 4]>::try_from(unmasked).ok()?),
        (2, 16) => IpAddr::from(<[u8; 16]>::try_from(unmasked).ok()?),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::{super::Kind, *};

    const NONCE: Nonce = *b"abcdefghijklmnop";

    fn message(kind: u16, attributes: &[u8]) -> Vec<u8> {
        let length = u16::try_from(attributes.len()).unwrap();
        [&kind.to_be_bytes()[..], &length.to_be_bytes(), &COOKIE, &NONCE[..12], attributes].concat()
    }

    /// The example of RFC 5769, 2.2: 192.0.2.1, port 32853.
    const XOR_V4: [u8; 12] = [0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
    const OPEN_V4: [u8; 12] = [0, 1, 0, 8, 0, 1, 0x80, 0x55, 192, 0, 2, 1];
    /// A text of five bytes, filled up.
    const SOFTWARE: [u8; 12] = [0x80, 0x22, 0, 5, b't', b'e', b's', b't', b's', 0, 0, 0];

    #[test]
    fn addresses_are_read() {
        let mut xor_v6 = vec![0, 0x20, 0, 20, 0, 2, 0xa1, 0x47];
        let mask = [&COOKIE[..], &NONCE[..12]].concat();
        let v6: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
        xor_v6.extend(v6.iter().zip(mask).map(|(byte, mask)| byte ^ mask));
        for (attributes, expected) in [
            (XOR_V4.to_vec(), "192.0.2.1:32853"),
            (OPEN_V4.to_vec(), "192.0.2.1:32853"),
            ([SOFTWARE, OPEN_V4, XOR_V4].concat(), "192.0.2.1:32853"),
            (xor_v6, "[2001:db8::7]:32853"),
        ] {
            let mapped_address = expected.parse().unwrap();
            assert_eq!(read(&NONCE, &message(SUCCESS, &attributes)), Ok(Facts::Stun { mapped_address }));
        }
    }

    #[test]
    fn what_is_no_answer_is_told() {
        use Kind::{Invalid, Unexpected};
        let error = [&[0, 9, 0, 13, 0, 0, 4, 20][..], b"Unknown A", &[0, 0, 0]].concat();
        let mut other_transaction = message(SUCCESS, &XOR_V4);
        other_transaction[8] ^= 1;
        let mut no_stun = message(SUCCESS, &XOR_V4);
        no_stun[4] ^= 1;
        for (datagram, kind, is_stray, words) in [
            (message(ERROR, &error), Unexpected, false, "error 420 Unknown A"),
            (message(ERROR, &[]), Unexpected, false, "without a code"),
            (message(SUCCESS, &SOFTWARE), Unexpected, false, "has no address"),
            (message(SUCCESS, &[0, 0x20, 0, 4, 0, 3, 0, 0]), Invalid, false, "malformed address"),
            (message(SUCCESS, &[0, 0x20, 0, 0]), Invalid, false, "malformed address"),
            (request(&NONCE), Unexpected, false, "type 0x0001 and no answer"),
            (other_transaction, Unexpected, true, "another STUN request"),
            (no_stun, Invalid, true, "no STUN message"),
            (b"hello".to_vec(), Invalid, true, "this one has 5"),
            (
                [message(SUCCESS, &XOR_V4), vec![0]].concat(),
                Invalid,
                false,
                "has 13 bytes of attributes and tells of 12",
            ),
            (message(SUCCESS, &XOR_V4[..10]), Invalid, false, "middle of an attribute"),
        ] {
            let fault = read(&NONCE, &datagram).unwrap_err();
            assert_eq!((fault.kind, fault.is_stray), (kind, is_stray), "{}", fault.detail);
            assert!(fault.detail.contains(words), "{} does not say {words}", fault.detail);
        }
        let whole = message(SUCCESS, &XOR_V4);
        for length in 0..whole.len() {
            assert_eq!(read(&NONCE, &whole[..length]).unwrap_err().kind, Invalid, "cut to {length}");
        }
    }
}
