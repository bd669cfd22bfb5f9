//! Every dialogue in pieces of every size: how it goes well, what ends it, and that nothing can hang or break it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use proptest::prelude::*;

use super::*;

fn name() -> HostName {
    "mail.example".parse().unwrap()
}

/// Plays a server that answers each thing said with the next of `replies`; the first is its greeting.
fn play(protocol: Starttls, replies: &[&[u8]], piece: usize) -> (Turn, Vec<String>) {
    let mut dialogue = Dialogue::new(protocol, &name());
    let mut said = Vec::new();
    let mut replies = replies.iter();
    let speaks_first = matches!(protocol, Starttls::Smtp | Starttls::Imap | Starttls::Pop3 | Starttls::Ftp);
    let mut coming: Vec<u8> = if speaks_first { replies.next().unwrap().to_vec() } else { Vec::new() };
    let mut turn = dialogue.hear(&[]);
    loop {
        match turn {
            Turn::Say(bytes) => {
                said.push(String::from_utf8_lossy(&bytes).into_owned());
                coming.extend_from_slice(replies.next().copied().unwrap_or_default());
                turn = dialogue.hear(&[]);
            }
            Turn::Listen if coming.is_empty() => return (turn, said),
            Turn::Listen => {
                let rest = coming.split_off(piece.min(coming.len()));
                turn = dialogue.hear(&coming);
                coming = rest;
            }
            Turn::Begin | Turn::End(_) => return (turn, said),
        }
    }
}

const LDAP_GOOD: &[u8] = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00";
/// The same as Active Directory writes lengths.
const LDAP_LONG: &[u8] = b"\x30\x84\0\0\0\x10\x02\x01\x01\x78\x84\0\0\0\x07\x0a\x01\x00\x04\x00\x04\x00";
const LDAP_BAD: &[u8] = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x34\x04\x00\x04\x00";
const XMPP_FEATURES: &[u8] =
    b"<?xml version='1.0'?><stream:stream from='mail.example' version='1.0' xmlns='jabber:client' \
    xmlns:stream='http://etherx.jabber.org/streams'><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>\
    <required/></starttls></stream:features>";

#[test]
fn good_dialogues_lead_to_tls_in_pieces_of_any_size() {
    type Case = (Starttls, &'static [&'static [u8]], &'static [&'static str]);
    let cases: &[Case] = &[
        (
            Starttls::Smtp,
            &[
                b"220-mail.example\r\n220 ready\r\n",
                b"250-mail.example\r\n250-SIZE 1000\r\n250 starttls\r\n",
                b"220 go\r\n",
            ],
            &["EHLO watchkeep.invalid\r\n", "STARTTLS\r\n"],
        ),
        (Starttls::Imap, &[b"* OK hello\r\n", b"* CAPABILITY X\r\nw1 OK begin\r\n"], &["w1 STARTTLS\r\n"]),
        (Starttls::Pop3, &[b"+OK hello\r\n", b"+OK begin\r\n"], &["STLS\r\n"]),
        (Starttls::Ftp, &[b"220-hello\r\n 220 text\r\n220 ready\r\n", b"234 begin\r\n"], &["AUTH TLS\r\n"]),
        (Starttls::Ftp, &[b"120 soon\r\n220 ready\n", b"234\n"], &["AUTH TLS\r\n"]),
        (Starttls::Postgresql, &[b"S"], &["\0\0\0\u{8}\u{4}\u{fffd}\u{16}/"]),
        (Starttls::Ldap, &[LDAP_GOOD], &["0\u{1d}\u{2}\u{1}\u{1}w\u{18}\u{fffd}\u{16}1.3.6.1.4.1.1466.20037"]),
        (Starttls::Ldap, &[LDAP_LONG], &["0\u{1d}\u{2}\u{1}\u{1}w\u{18}\u{fffd}\u{16}1.3.6.1.4.1.1466.20037"]),
        (
            Starttls::Xmpp,
            &[XMPP_FEATURES, b"\n<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"],
            &[
                "<?xml version='1.0'?><stream:stream to='mail.example' version='1.0' xmlns='jabber:client' \
                 xmlns:stream='http://etherx.jabber.org/streams'>",
                "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
            ],
        ),
        (
            Starttls::Xmpp,
            &[XMPP_FEATURES, b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'></proceed>"],
            &[
                "<?xml version='1.0'?><stream:stream to='mail.example' version='1.0' xmlns='jabber:client' \
                 xmlns:stream='http://etherx.jabber.org/streams'>",
                "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
            ],
        ),
    ];
    for (protocol, replies, expected) in cases {
        for piece in [1, 2, 7, 100_000] {
            let (turn, said) = play(*protocol, replies, piece);
            assert_eq!(turn, Turn::Begin, "{protocol:?} by {piece}: {said:?}");
            assert_eq!(said, *expected, "{protocol:?} by {piece}");
        }
    }
}

#[test]
fn bad_dialogues_end_with_their_cause() {
    use Cause::{Broken, NoTls, Stranger};
    let long_line = [b"220 ".as_slice(), &[b'x'; LONGEST_LINE]].concat();
    let endless = b"220-x\r\n".repeat(LARGEST);
    let cases: &[(Starttls, &[&[u8]], Cause, &str)] = &[
        (Starttls::Smtp, &[b"SSH-2.0-x\r\n"], Stranger, "does not speak SMTP; it says \"SSH-2.0-x\""),
        (Starttls::Smtp, &[b"\xff\xfe\n"], Stranger, "does not speak SMTP"),
        (Starttls::Smtp, &[b"554 no\r\n"], Broken, "refuses the session: 554 no"),
        (Starttls::Smtp, &[b"220 x\r\n", b"250 x\r\n"], NoTls, "does not offer STARTTLS"),
        (Starttls::Smtp, &[b"220 x\r\n", b"250-x\r\n250 XSTARTTLSX\r\n"], NoTls, "does not offer"),
        (Starttls::Smtp, &[b"220 x\r\n", b"502 what\r\n"], NoTls, "does not know EHLO"),
        (Starttls::Smtp, &[b"220 x\r\n", b"421 busy\r\n"], Broken, "refuses EHLO"),
        (Starttls::Smtp, &[b"220 x\r\n", b"250 STARTTLS\r\n", b"454 not now\r\n"], NoTls, "refuses STARTTLS: 454"),
        (Starttls::Smtp, &[b"220 x\r\n", b"250 STARTTLS\r\n", b"22 what\r\n"], Broken, "no reply of SMTP"),
        (
            Starttls::Smtp,
            &[b"220 x\r\n", b"250 STARTTLS\r\n", b"220 go\r\n250 injected\r\n"],
            Broken,
            "14 more bytes of clear text follow",
        ),
        (Starttls::Smtp, &[&long_line], Stranger, "does not speak SMTP"),
        (Starttls::Smtp, &[&endless], Broken, "16384 bytes came"),
        (Starttls::Imap, &[b"220 x\r\n"], Stranger, "does not speak IMAP"),
        (Starttls::Imap, &[b"* BYE full\r\n"], Broken, "refuses the session"),
        (Starttls::Imap, &[b"* PREAUTH hello\r\n"], NoTls, "signed in"),
        (Starttls::Imap, &[b"* OK x\r\n", b"w1 BAD what\r\n"], NoTls, "refuses STARTTLS: w1 BAD what"),
        (Starttls::Imap, &[b"* OK x\r\n", b"w2 OK what\r\n"], Broken, "no reply of IMAP"),
        (Starttls::Imap, &[b"* OK x\r\n", b"w1 OK go\r\n* injected\r\n"], Broken, "12 more bytes"),
        (Starttls::Pop3, &[b"* OK x\r\n"], Stranger, "does not speak POP3"),
        (Starttls::Pop3, &[b"-ERR full\r\n"], Broken, "refuses the session"),
        (Starttls::Pop3, &[b"+OK x\r\n", b"-ERR what\r\n"], NoTls, "refuses STLS"),
        (Starttls::Pop3, &[b"+OK x\r\n", b"hm\r\n"], Broken, "no reply of POP3"),
        (Starttls::Pop3, &[b"+OK x\r\n", b"+OK go\r\n+OK more\r\n"], Broken, "10 more bytes"),
        (Starttls::Ftp, &[b"+OK x\r\n"], Stranger, "does not speak FTP"),
        (Starttls::Ftp, &[b"421 full\r\n"], Broken, "refuses the session"),
        (Starttls::Ftp, &[b"220 x\r\n", b"530 no\r\n"], NoTls, "refuses AUTH TLS: 530 no"),
        (Starttls::Ftp, &[b"220 x\r\n", b"ok\r\n"], Broken, "no reply of FTP"),
        (Starttls::Ftp, &[b"220 x\r\n", b"234 go\r\n230 injected\r\n"], Broken, "14 more bytes"),
        (Starttls::Postgresql, &[b"N"], NoTls, "does not do TLS"),
        (Starttls::Postgresql, &[b"E\0\0\0"], Broken, "with an error"),
        (Starttls::Postgresql, &[b"HTTP/1.1 400"], Stranger, "does not speak PostgreSQL"),
        (Starttls::Postgresql, &[b"SX"], Broken, "1 more bytes"),
        (Starttls::Ldap, &[LDAP_BAD], NoTls, "result code 52"),
        (Starttls::Ldap, &[b"HTTP/1.1 400"], Stranger, "does not speak LDAP"),
        (Starttls::Ldap, &[b"\x30\x03\x02\x01\x01"], Broken, "no message of LDAP"),
        (Starttls::Ldap, &[b"\x30\x84\x7f\xff\xff\xff"], Broken, "no message of LDAP"),
        (Starttls::Ldap, &[b"\x30\x80\x02\x01\x01"], Broken, "no message of LDAP"),
        (Starttls::Xmpp, &[b"220 x\r\n"], Stranger, "does not speak XMPP"),
        (Starttls::Xmpp, &[b"<stream:stream><stream:error><host-unknown/>"], Broken, "refuses the stream"),
        (Starttls::Xmpp, &[b"<stream:stream><stream:features/>"], NoTls, "does not offer"),
        (Starttls::Xmpp, &[b"<stream:stream><stream:features><x/></stream:features>"], NoTls, "does not offer"),
        (Starttls::Xmpp, &[XMPP_FEATURES, b"<failure xmlns='x'/>"], NoTls, "refuses STARTTLS"),
        (Starttls::Xmpp, &[XMPP_FEATURES, b"<proceeding/>"], Broken, "none of XMPP"),
        (Starttls::Xmpp, &[XMPP_FEATURES, b"<proceed/><x/>"], Broken, "4 more bytes"),
    ];
    for (protocol, replies, cause, words) in cases {
        let (turn, _) = play(*protocol, replies, 100_000);
        let Turn::End(unanswered) = turn else { panic!("{protocol:?} {replies:?}: {turn:?}") };
        assert_eq!(unanswered.cause, *cause, "{protocol:?}: {unanswered:?}");
        assert!(unanswered.detail.contains(words), "{protocol:?}: {unanswered:?} does not say {words:?}");
    }
}

proptest! {
    #[test]
    fn whatever_comes_has_an_end(
        protocol in prop::sample::select(Starttls::ALL.to_vec()),
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..20),
    ) {
        let mut dialogue = Dialogue::new(protocol, &name());
        dialogue.hear(&[]);
        for piece in &pieces {
            if matches!(dialogue.hear(piece), Turn::Begin | Turn::End(_)) {
                break;
            }
        }
        prop_assert!(dialogue.heard.len() <= LARGEST);
    }

    /// What begins like the protocol and goes on as it likes.
    #[test]
    fn damaged_dialogues_have_an_end(
        at in 0_usize..400,
        byte in any::<u8>(),
        piece in 1_usize..50,
    ) {
        for (protocol, replies) in [
            (Starttls::Smtp, &b"220 x\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n"[..]),
            (Starttls::Imap, b"* OK x\r\n* X\r\nw1 OK go\r\n"),
            (Starttls::Pop3, b"+OK x\r\n+OK go\r\n"),
            (Starttls::Ftp, b"220-x\r\n220 x\r\n234 go\r\n"),
            (Starttls::Ldap, LDAP_GOOD),
            (Starttls::Xmpp, XMPP_FEATURES),
        ] {
            let mut bytes = replies.to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            let mut dialogue = Dialogue::new(protocol, &name());
            dialogue.hear(&[]);
            for piece in bytes.chunks(piece) {
                if matches!(dialogue.hear(piece), Turn::Begin | Turn::End(_)) {
                    break;
                }
            }
        }
    }
}
