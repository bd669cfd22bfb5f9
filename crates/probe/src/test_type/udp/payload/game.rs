//! Game servers: `getinfo` of the Quake III family, and `A2S_INFO` of the Source engine. Both begin with four bytes of
//! ones, which stand for a message outside of a game.

use watchkeep_model::{hex, udp::Facts};

use super::{Fault, Nonce};
use crate::outside::shown;

/// What every message outside of a game begins with.
const OUTSIDE: [u8; 4] = [0xff; 4];
/// Bytes of what follows the texts of `A2S_INFO`: number of the game, players, most players, bots, kind of server,
/// system, password, protection, and the version, which may be empty.
const AFTER_TEXTS: usize = 10;

/// Asks a Quake III server about itself; it repeats the word behind `getinfo`.
pub(super) fn quake_request(nonce: &Nonce) -> Vec<u8> {
    [&OUTSIDE[..], b"getinfo ", challenge(nonce).as_bytes()].concat()
}

fn challenge(nonce: &Nonce) -> String {
    hex(&nonce[..8])
}

/// `infoResponse` with our word.
pub(super) fn read_quake(nonce: &Nonce, datagram: &[u8]) -> Result<Facts, Fault> {
    let Some(text) = datagram.strip_prefix(&OUTSIDE).map(String::from_utf8_lossy) else {
        return Err(Fault::invalid("it does not begin with the four bytes of a game server").stray());
    };
    let Some(info) = text.strip_prefix("infoResponse\n") else {
        let word = shown(text.split_ascii_whitespace().next().unwrap_or_default());
        return Err(Fault::unexpected(format!("the game server answers {word:?} and not infoResponse")).stray());
    };
    let info = info.trim_end_matches(['\n', '\0']);
    let mut parts = info.strip_prefix('\\').unwrap_or_default().split('\\');
    let mut facts = Vec::new();
    while let Some(name) = parts.next().filter(|name| !name.is_empty()) {
        let value = parts.next().ok_or_else(|| Fault::invalid("infoResponse ends in the middle of a fact"))?;
        facts.push((name, value));
    }
    let find = |wanted: &str| facts.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    if find("challenge") != Some(&challenge(nonce)) {
        return Err(Fault::unexpected("it answers another getinfo").stray());
    }
    let told = |name: &str| find(name).map(|value| shown(value).into());
    Ok(Facts::Game { name: told("hostname"), map: told("mapname") })
}

/// Asks a Source server about itself. There is no number in it that an answer could repeat.
pub(super) fn source_request() -> Vec<u8> {
    [&OUTSIDE[..], b"TSource Engine Query\0"].concat()
}

/// The facts, or the number with which it wants to be asked again: either shows that the server is at work.
pub(super) fn read_source(datagram: &[u8]) -> Result<Facts, Fault> {
    let Some(message) = datagram.strip_prefix(&OUTSIDE) else {
        return Err(Fault::invalid("it does not begin with the four bytes of a game server").stray());
    };
    let cut = || Fault::invalid("the answer of the game server is cut short");
    match message.split_first().ok_or_else(cut)? {
        (b'A', challenge) if challenge.len() >= 4 => Ok(Facts::Game { name: None, map: None }),
        (b'I', rest) => {
            let (_, texts) = rest.split_first().ok_or_else(cut)?;
            let mut parts = texts.splitn(5, |byte| *byte == 0);
            let mut text = || parts.next().map(|part| shown(&String::from_utf8_lossy(part)).into());
            let (name, map, _folder, _game) = (text(), text(), text(), text());
            let rest = parts.next().ok_or_else(cut)?;
            if rest.len() < AFTER_TEXTS || !rest[AFTER_TEXTS - 1..].contains(&0) {
                return Err(cut());
            }
            Ok(Facts::Game { name, map })
        }
        (b'A', _) => Err(cut()),
        (kind, _) => Err(Fault::unexpected(format!("the game server answers a message of type {kind:#04x}")).stray()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::{super::Kind, *};

    const NONCE: Nonce = [0x5a; 16];
    const OURS: &str = "\\challenge\\5a5a5a5a5a5a5a5a";

    fn quake(text: &str) -> Vec<u8> {
        [&OUTSIDE[..], text.as_bytes()].concat()
    }

    fn game(name: Option<&str>, map: Option<&str>) -> Facts {
        Facts::Game { name: name.map(Into::into), map: map.map(Into::into) }
    }

    #[test]
    fn quake_servers_repeat_our_word() {
        assert_eq!(quake_request(&NONCE), quake("getinfo 5a5a5a5a5a5a5a5a"));
        for (text, facts) in [
            (
                format!("infoResponse\n{OURS}\\hostname\\Arena\\mapname\\q3dm17\\clients\\2"),
                game(Some("Arena"), Some("q3dm17")),
            ),
            (format!("infoResponse\n{OURS}\\hostname\\a\u{1b}[31mb\n"), game(Some("a[31mb"), None)),
            (format!("infoResponse\n\\hostname\\{OURS}"), game(Some(""), None)),
        ] {
            assert_eq!(read_quake(&NONCE, &quake(&text)), Ok(facts), "{text}");
        }
        use Kind::{Invalid, Unexpected};
        for (datagram, kind, is_stray, words) in [
            (quake("infoResponse\n\\challenge\\xxx"), Unexpected, true, "another getinfo"),
            (quake("infoResponse\n"), Unexpected, true, "another getinfo"),
            (quake("print\nbanned"), Unexpected, true, "\"print\" and not infoResponse"),
            (quake(""), Unexpected, true, "\"\""),
            (quake(&format!("infoResponse\n{OURS}\\hostname")), Invalid, false, "middle of a fact"),
            (b"infoResponse\n".to_vec(), Invalid, true, "four bytes"),
            (Vec::new(), Invalid, true, "four bytes"),
        ] {
            let fault = read_quake(&NONCE, &datagram).unwrap_err();
            assert_eq!((fault.kind, fault.is_stray), (kind, is_stray), "{}", fault.detail);
            assert!(fault.detail.contains(words), "{} does not say {words}", fault.detail);
        }
    }

    #[test]
    fn source_servers_tell_facts_or_ask_back() {
        let texts = b"\xff\xff\xff\xffI\x11Arena\0de_dust2\0csgo\0Counter-Strike\0";
        let info = [&texts[..], &[0xda, 2, 5, 16, 0, b'd', b'l', 0, 1], b"1.38\0", &[0x80, 1, 2]].concat();
        assert_eq!(read_source(&info), Ok(game(Some("Arena"), Some("de_dust2"))));
        assert_eq!(read_source(b"\xff\xff\xff\xffA\x01\x02\x03\x04"), Ok(game(None, None)));
        // What follows the version may be missing, what comes before it may not.
        for length in 0..info.len() - 3 {
            let fault = read_source(&info[..length]).unwrap_err();
            assert_eq!((fault.kind, fault.is_stray), (Kind::Invalid, length < 4), "cut to {length}");
        }
        assert_eq!(read_source(b"\xff\xff\xff\xffA\x01").unwrap_err().kind, Kind::Invalid);
        let split = read_source(b"\xff\xff\xff\xffm1").unwrap_err();
        assert_eq!((split.kind, split.is_stray), (Kind::Unexpected, true));
        assert!(read_source(&source_request()).is_err());
    }
}
