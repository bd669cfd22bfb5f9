//! DNS (RFC 1035): asks who serves the root, which every resolver knows and every other server refuses to say.

use watchkeep_model::udp::Facts;

use super::{Fault, Nonce, take};

/// Type NS, class IN, of the root.
const QUESTION: [u8; 5] = [0, 0, 2, 0, 1];
/// Bytes of the header.
const HEADER: usize = 12;
/// A label that points somewhere else (RFC 1035, 4.1.4).
const POINTER: u8 = 0xc0;

/// A query that wishes recursion.
pub(super) fn request(nonce: &Nonce) -> Vec<u8> {
    let header = [nonce[0], nonce[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    [&header[..], &QUESTION].concat()
}

/// A whole message with our number, and a code that a working server may have for this question.
pub(super) fn read(nonce: &Nonce, datagram: &[u8]) -> Result<Facts, Fault> {
    let Some((header, mut rest)) = take::<HEADER>(datagram) else {
        let detail = format!("a DNS message has {HEADER} bytes at least, and this one has {}", datagram.len());
        return Err(Fault::invalid(detail).stray());
    };
    if header[..2] != nonce[..2] {
        return Err(Fault::unexpected("it has the number of another DNS query").stray());
    }
    if header[2] & 0x80 == 0 {
        return Err(Fault::unexpected("it is a DNS query and no answer"));
    }
    let count = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let [questions, answers, authorities, additional] = [4, 6, 8, 10].map(count);
    // An error may come without the question.
    if questions > 0 {
        if questions > 1 || rest.get(..QUESTION.len()) != Some(&QUESTION[..]) {
            return Err(Fault::unexpected("it answers another DNS question"));
        }
        rest = &rest[QUESTION.len()..];
    }
    for _ in 0..u32::from(answers) + u32::from(authorities) + u32::from(additional) {
        rest = after_record(rest).ok_or_else(|| Fault::invalid("the DNS message ends in the middle of a record"))?;
    }
    let rcode = mnemonic(header[3] & 0x0f);
    match rcode {
        "NOERROR" | "NXDOMAIN" | "REFUSED" => Ok(Facts::Dns { rcode, answers, truncated: header[2] & 0x02 != 0 }),
        _ => Err(Fault::unexpected(format!("the DNS server answers {rcode}"))),
    }
}

/// The word that tools such as dig show (RFC 1035, 4.1.1).
fn mnemonic(code: u8) -> &'static str {
    match code {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        _ => "an error of another kind",
    }
}

/// What follows a record; `None` where it is cut.
fn after_record(bytes: &[u8]) -> Option<&[u8]> {
    let (fixed, rest) = take::<10>(after_name(bytes)?)?;
    rest.get(usize::from(u16::from_be_bytes([fixed[8], fixed[9]]))..)
}

/// What follows a name; `None` where it is cut. Pointers are not followed: nobody wants to know the name.
fn after_name(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        let (&length, rest) = bytes.split_first()?;
        match length {
            0 => return Some(rest),
            POINTER.. => return rest.get(1..),
            _ => bytes = rest.get(usize::from(length)..)?,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use hickory_proto::{
        op::{Message, MessageType, OpCode, Query, ResponseCode},
        rr::{Name, RData, Record, RecordType, rdata},
    };

    use super::{super::Kind, *};

    const NONCE: Nonce = [0xab, 0xcd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    fn answer(change: impl FnOnce(&mut Message)) -> Vec<u8> {
        let mut message = Message::new(0xabcd, MessageType::Response, OpCode::Query);
        message.add_query(Query::query(Name::root(), RecordType::NS));
        for server in ["a.root-servers.net.", "b.root-servers.net."] {
            let data = RData::NS(rdata::NS(Name::from_utf8(server).unwrap()));
            message.answers.push(Record::from_rdata(Name::root(), 60, data));
        }
        change(&mut message);
        message.to_vec().unwrap()
    }

    #[test]
    fn the_request_is_a_query_that_others_understand() {
        let query = Message::from_vec(&request(&NONCE)).unwrap();
        assert_eq!((query.metadata.id, query.metadata.recursion_desired), (0xabcd, true));
        assert_eq!(query.queries, [Query::query(Name::root(), RecordType::NS)]);
    }

    #[test]
    fn answers_are_told_apart() {
        let right = |rcode, answers, truncated| Ok(Facts::Dns { rcode, answers, truncated });
        let code = |code: ResponseCode| {
            answer(|message| {
                message.metadata.response_code = code;
                message.answers.clear();
            })
        };
        let echo = request(&NONCE);
        for (datagram, outcome) in [
            (answer(|_| {}), right("NOERROR", 2, false)),
            (answer(|message| message.metadata.truncation = true), right("NOERROR", 2, true)),
            (code(ResponseCode::NXDomain), right("NXDOMAIN", 0, false)),
            (code(ResponseCode::Refused), right("REFUSED", 0, false)),
            (answer(|message| message.queries.clear()), right("NOERROR", 2, false)),
            (code(ResponseCode::ServFail), Err((Kind::Unexpected, false, "answers SERVFAIL"))),
            (code(ResponseCode::NotImp), Err((Kind::Unexpected, false, "answers NOTIMP"))),
            (code(ResponseCode::YXDomain), Err((Kind::Unexpected, false, "an error of another kind"))),
            (answer(|message| message.metadata.id = 1), Err((Kind::Unexpected, true, "number of another"))),
            (echo, Err((Kind::Unexpected, false, "no answer"))),
            (
                answer(|message| {
                    message.queries[0].set_query_type(RecordType::A);
                }),
                Err((Kind::Unexpected, false, "another DNS question")),
            ),
            (b"hello".to_vec(), Err((Kind::Invalid, true, "has 12 bytes at least, and this one has 5"))),
            (Vec::new(), Err((Kind::Invalid, true, "this one has 0"))),
        ] {
            let read = read(&NONCE, &datagram);
            match outcome {
                Ok(facts) => assert_eq!(read, Ok(facts)),
                Err((kind, is_stray, words)) => {
                    let fault = read.unwrap_err();
                    assert_eq!((fault.kind, fault.is_stray), (kind, is_stray), "{}", fault.detail);
                    assert!(fault.detail.contains(words), "{} does not say {words}", fault.detail);
                }
            }
        }
    }

    #[test]
    fn every_cut_is_noticed() {
        let whole = answer(|_| {});
        for length in 0..whole.len() {
            let fault = read(&NONCE, &whole[..length]).unwrap_err();
            let is_question_cut = (HEADER..HEADER + QUESTION.len()).contains(&length);
            let kind = if is_question_cut { Kind::Unexpected } else { Kind::Invalid };
            assert_eq!(fault.kind, kind, "cut to {length}: {}", fault.detail);
        }
    }
}
