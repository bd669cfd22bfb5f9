//! SIP (RFC 3261): `OPTIONS`, the question that every SIP server answers. Its final status counts, and only to our
//! own request, known by its branch and Call-ID.

use std::{borrow::Cow, net::SocketAddr};

use watchkeep_model::{Endpoint, hex, udp::Facts};

use super::{Fault, Nonce};
use crate::outside::shown;

/// What every branch begins with (RFC 3261, 8.1.1.7).
const BRANCH: &str = "z9hG4bK";

fn branch(nonce: &Nonce) -> String {
    format!("{BRANCH}{}", hex(&nonce[..8]))
}

fn call_id(nonce: &Nonce) -> String {
    hex(&nonce[8..])
}

/// `OPTIONS` for the server itself.
pub(super) fn request(nonce: &Nonce, target: &Endpoint, local: SocketAddr) -> Vec<u8> {
    let (branch, call_id, tag) = (branch(nonce), call_id(nonce), hex(&nonce[4..12]));
    let agent = concat!("Watchkeep/", env!("CARGO_PKG_VERSION"));
    let text = format!(
        "OPTIONS sip:{target} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {local};branch={branch};rport\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:watchkeep@{local}>;tag={tag}\r\n\
         To: <sip:{target}>\r\n\
         Call-ID: {call_id}\r\n\
         CSeq: 1 OPTIONS\r\n\
         Contact: <sip:watchkeep@{local}>\r\n\
         Accept: application/sdp\r\n\
         User-Agent: {agent}\r\n\
         Content-Length: 0\r\n\r\n"
    );
    text.into_bytes()
}

/// A final answer to our request, with a status below 500: whoever says 404 or 405 is at work.
pub(super) fn read(nonce: &Nonce, datagram: &[u8]) -> Result<Facts, Fault> {
    let text = String::from_utf8_lossy(datagram);
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let Some(status) = first.strip_prefix("SIP/2.0 ") else {
        return Err(match first.trim_end().ends_with(" SIP/2.0") {
            true => Fault::unexpected("it is a SIP request and no answer").stray(),
            false => Fault::invalid("it is no SIP message").stray(),
        });
    };
    let (headers, body_length) = read_headers(rest);
    let is_ours = find(&headers, "Call-ID", "i").is_some_and(|id| id == call_id(nonce))
        && find(&headers, "Via", "v").and_then(branch_of).is_some_and(|seen| seen == branch(nonce));
    if !is_ours {
        return Err(Fault::unexpected("it answers another SIP request").stray());
    }
    let told = find(&headers, "Content-Length", "l").map(str::parse::<usize>);
    let (Some(came), false) = (body_length, matches!(told, Some(Err(_)))) else {
        return Err(Fault::invalid("the SIP message has no end of its headers, or a length that is no number"));
    };
    if let Some(Ok(length)) = told
        && came < length
    {
        return Err(Fault::invalid(format!("the SIP message has {came} bytes of content and tells of {length}")));
    }
    let (number, reason) = status.trim_end().split_at_checked(3).unwrap_or((status, ""));
    let reason = shown(reason.trim());
    match number.parse::<u16>() {
        Ok(100..=199) => Err(Fault::unexpected(format!("the SIP server says no more than {number} {reason}")).stray()),
        Ok(status @ 200..=499) => Ok(Facts::Sip { status, reason: reason.into() }),
        Ok(500..=699) => Err(Fault::unexpected(format!("the SIP server answers {number} {reason}"))),
        _ => Err(Fault::invalid("the SIP message has a status that is none")),
    }
}

/// Names and values, folded lines put together, and the bytes that follow them; none of those where the empty line is
/// missing that ends them.
fn read_headers(text: &str) -> (Vec<(&str, Cow<'_, str>)>, Option<usize>) {
    let mut headers: Vec<(&str, Cow<'_, str>)> = Vec::new();
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n') {
        rest = after;
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            return (headers, Some(rest.len()));
        }
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                let value = value.to_mut();
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim(), value.trim().into()));
        }
    }
    (headers, None)
}

/// The first header of this name, or of its short form (RFC 3261, 7.3.3).
fn find<'h>(headers: &'h [(&str, Cow<'_, str>)], name: &str, short: &str) -> Option<&'h str> {
    let found = headers.iter().find(|(seen, _)| seen.eq_ignore_ascii_case(name) || seen.eq_ignore_ascii_case(short));
    found.map(|(_, value)| &**value)
}

/// The branch of the first hop in a `Via`.
fn branch_of(via: &str) -> Option<&str> {
    let first = via.split(',').next()?;
    let mut parameters = first.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("branch")).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::{super::Kind, *};

    const NONCE: Nonce =
        [0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22];
    const VIA: &str = "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1111111111111111;rport=5060\r\n";
    const ID: &str = "Call-ID: 2222222222222222\r\n";

    fn answer(status: &str) -> String {
        format!("SIP/2.0 {status}\r\n{VIA}{ID}CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
    }

    #[test]
    fn the_request_names_both_ends() {
        let target = Endpoint::parse("[2001:db8::5]:5060", None).unwrap();
        let text = String::from_utf8(request(&NONCE, &target, "[2001:db8::1]:40000".parse().unwrap())).unwrap();
        assert!(text.starts_with("OPTIONS sip:[2001:db8::5]:5060 SIP/2.0\r\n"), "{text}");
        assert!(
            text.contains("Via: SIP/2.0/UDP [2001:db8::1]:40000;branch=z9hG4bK1111111111111111;rport\r\n"),
            "{text}"
        );
        assert!(text.contains(ID) && text.ends_with("\r\n\r\n"), "{text}");
        let (headers, rest) = read_headers(text.split_once('\n').unwrap().1);
        assert_eq!((headers.len(), rest), (10, Some(0)));
    }

    #[test]
    fn final_answers_below_500_are_right() {
        let ok = Facts::Sip { status: 200, reason: "OK".into() };
        let folded = "SIP/2.0 200 OK\r\nv: SIP/2.0/UDP 192.0.2.1\r\n ;BRANCH = z9hG4bK1111111111111111,SIP/2.0/UDP x;branch=y\r\n\
             i: 2222222222222222\r\nl: 3\r\n\r\nabc"
            .to_owned();
        let bare_lines = answer("200 OK").replace("\r\n", "\n");
        let without_length = answer("200 OK").replace("Content-Length: 0\r\n", "");
        for (text, facts) in [
            (answer("200 OK"), ok.clone()),
            (answer("404 Not Found"), Facts::Sip { status: 404, reason: "Not Found".into() }),
            (answer("405"), Facts::Sip { status: 405, reason: "".into() }),
            (folded, ok.clone()),
            (bare_lines, ok.clone()),
            (without_length, ok),
        ] {
            assert_eq!(read(&NONCE, text.as_bytes()), Ok(facts), "{text}");
        }
    }

    #[test]
    fn what_is_no_answer_is_told() {
        use Kind::{Invalid, Unexpected};
        let good = answer("200 OK");
        for (text, kind, is_stray, words) in [
            (answer("100 Trying"), Unexpected, true, "no more than 100 Trying"),
            (answer("503 Service Unavailable"), Unexpected, false, "answers 503 Service Unavailable"),
            (answer("603 Decline"), Unexpected, false, "answers 603"),
            (answer("700 What"), Invalid, false, "status that is none"),
            (answer("abc"), Invalid, false, "status that is none"),
            (answer("2"), Invalid, false, "status that is none"),
            (good.replace("1111;", "1110;"), Unexpected, true, "another SIP request"),
            (good.replace("2222\r", "2223\r"), Unexpected, true, "another SIP request"),
            (good.replace(ID, ""), Unexpected, true, "another SIP request"),
            (good.replace("Length: 0", "Length: 5"), Invalid, false, "has 0 bytes of content and tells of 5"),
            (good.replace("Length: 0", "Length: many"), Invalid, false, "length that is no number"),
            (good.trim_end().to_owned(), Invalid, false, "no end of its headers"),
            ("OPTIONS sip:a SIP/2.0\r\n\r\n".to_owned(), Unexpected, true, "a SIP request and no answer"),
            ("HTTP/1.1 200 OK\r\n\r\n".to_owned(), Invalid, true, "no SIP message"),
            (String::new(), Invalid, true, "no SIP message"),
        ] {
            let fault = read(&NONCE, text.as_bytes()).unwrap_err();
            assert_eq!((fault.kind, fault.is_stray), (kind, is_stray), "{}", fault.detail);
            assert!(fault.detail.contains(words), "{} does not say {words}", fault.detail);
        }
        for length in 0..good.len() {
            assert!(read(&NONCE, &good.as_bytes()[..length]).is_err(), "cut to {length}");
        }
    }
}
