//! Unpacks a body as it comes (gzip, deflate, brotli), within a bound on what comes out.
//! What follows the end of the packed data is passed over, as browsers do. Pure.

use std::io::{self, Write};

use flate2::write::{DeflateDecoder, GzDecoder, ZlibDecoder};
use http::{HeaderMap, header};
use watchkeep_model::ByteSize;

use crate::outside::shown;

/// Why a body cannot be unpacked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DecodeError {
    TooLarge,
    Unknown(String),
    Broken(String),
}

/// Where unpacked bytes go: counted always, kept where a condition needs them.
struct Sink {
    bytes: Vec<u8>,
    left: u64,
    is_kept: bool,
    is_full: bool,
}

impl Sink {
    /// The same sink; what stays behind is only good for being dropped.
    fn take(&mut self) -> Self {
        Self { bytes: std::mem::take(&mut self.bytes), ..*self }
    }
}

impl Write for Sink {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self.left.checked_sub(data.len() as u64) {
            Some(left) => self.left = left,
            None => {
                self.is_full = true;
                return Err(io::ErrorKind::FileTooLarge.into());
            }
        }
        if self.is_kept {
            self.bytes.extend_from_slice(data);
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Which of the members of a gzip body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Member {
    First,
    /// It may be no member at all: only its first byte is known to be one's.
    Later,
}

enum Stage {
    Plain(Sink),
    Gzip(Box<GzDecoder<Sink>>, Member),
    /// `deflate` means zlib (RFC 9110, 8.4.1.2), but some servers send it without the wrapper.
    Undecided(Sink),
    Zlib(Box<ZlibDecoder<Sink>>),
    Deflate(Box<DeflateDecoder<Sink>>),
    Brotli(Box<brotli::DecompressorWriter<Sink>>),
    /// The packed data are over.
    Ended(Sink),
    Unknown(String),
}

/// Unpacks a body piece by piece.
pub(super) struct Decoder(Stage);

impl Decoder {
    /// For a body with these headers; at most `largest` may come out, and is kept if a condition needs it.
    pub(super) fn new(headers: &HeaderMap, largest: ByteSize, is_kept: bool) -> Self {
        let sink = Sink { bytes: Vec::new(), left: largest.as_bytes(), is_kept, is_full: false };
        let said = headers.get_all(header::CONTENT_ENCODING).iter().map(|value| value.as_bytes());
        let mut encodings = said
            .flat_map(|value| value.split(|byte| *byte == b','))
            .map(|word| word.trim_ascii())
            .filter(|word| !word.is_empty() && !word.eq_ignore_ascii_case(b"identity"));
        let (encoding, more) = (encodings.next().unwrap_or_default(), encodings.next());
        let is = |names: &[&str]| names.iter().any(|name| encoding.eq_ignore_ascii_case(name.as_bytes()));
        Self(if let Some(more) = more {
            let [first, second] = [encoding, more].map(|word| shown(&String::from_utf8_lossy(word)));
            Stage::Unknown(format!("{first}, {second}"))
        } else if encoding.is_empty() {
            Stage::Plain(sink)
        } else if is(&["gzip", "x-gzip"]) {
            Stage::Gzip(Box::new(GzDecoder::new(sink)), Member::First)
        } else if is(&["deflate"]) {
            Stage::Undecided(sink)
        } else if is(&["br"]) {
            Stage::Brotli(Box::new(brotli::DecompressorWriter::new(sink, 4096)))
        } else {
            Stage::Unknown(shown(&String::from_utf8_lossy(encoding)))
        })
    }

    /// Whether a body of this length on the wire cannot fit, whatever it is.
    pub(super) fn is_certainly_too_large(&self, length: u64) -> bool {
        matches!(&self.0, Stage::Plain(sink) if sink.left < length)
    }

    /// Takes the next piece.
    pub(super) fn write(&mut self, mut data: &[u8]) -> Result<(), DecodeError> {
        while let Some(first) = data.first() {
            if let Stage::Undecided(sink) = &mut self.0 {
                let sink = sink.take();
                // The low half of zlib's first byte names the method, 8 (RFC 1950).
                let has_wrapper = first & 0x0f == 8;
                self.0 = if has_wrapper {
                    Stage::Zlib(Box::new(ZlibDecoder::new(sink)))
                } else {
                    Stage::Deflate(Box::new(DeflateDecoder::new(sink)))
                };
            }
            let written = match &mut self.0 {
                Stage::Plain(sink) => sink.write(data),
                Stage::Gzip(decoder, _) => decoder.write(data),
                Stage::Zlib(decoder) => decoder.write(data),
                Stage::Deflate(decoder) => decoder.write(data),
                Stage::Brotli(decoder) => decoder.write(data),
                Stage::Undecided(_) | Stage::Ended(_) => return Ok(()),
                Stage::Unknown(encoding) => return Err(DecodeError::Unknown(encoding.clone())),
            };
            match written {
                Ok(0) => self.end(data)?,
                Ok(count) => data = &data[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) if self.is_between_members() => {
                    self.0 = Stage::Ended(self.sink());
                    return Ok(());
                }
                Err(error) => return Err(self.explain(&error)),
            }
        }
        Ok(())
    }

    /// The packed data are over, and `rest` follows them.
    fn end(&mut self, rest: &[u8]) -> Result<(), DecodeError> {
        self.check_end()?;
        // Only gzip may have several members one after another (RFC 1952, 2.2).
        let is_next_member = matches!(self.0, Stage::Gzip(..)) && rest.first() == Some(&0x1f);
        let sink = self.sink();
        self.0 = if is_next_member {
            Stage::Gzip(Box::new(GzDecoder::new(sink)), Member::Later)
        } else {
            Stage::Ended(sink)
        };
        Ok(())
    }

    /// Whether a complete member is over and no header of another has come, so that what follows may be garbage.
    fn is_between_members(&self) -> bool {
        matches!(&self.0, Stage::Gzip(decoder, Member::Later) if decoder.header().is_none())
    }

    /// Whether the packed data are complete.
    fn check_end(&mut self) -> Result<(), DecodeError> {
        if self.is_between_members() {
            return Ok(());
        }
        let cut = || DecodeError::Broken("the packed data end too early".to_owned());
        let checked = match &mut self.0 {
            Stage::Plain(_) | Stage::Undecided(_) | Stage::Ended(_) => Ok(()),
            Stage::Gzip(decoder, _) => decoder.try_finish(),
            // At its end, and only there, a decoder takes nothing more.
            Stage::Zlib(decoder) => return if matches!(decoder.write(&[0]), Ok(0)) { Ok(()) } else { Err(cut()) },
            Stage::Deflate(decoder) => return if matches!(decoder.write(&[0]), Ok(0)) { Ok(()) } else { Err(cut()) },
            Stage::Brotli(decoder) => decoder.close(),
            Stage::Unknown(encoding) => return Err(DecodeError::Unknown(encoding.clone())),
        };
        checked.map_err(|error| match self.explain(&error) {
            DecodeError::Broken(_) => cut(),
            other => other,
        })
    }

    fn sink(&mut self) -> Sink {
        match &mut self.0 {
            Stage::Plain(sink) | Stage::Undecided(sink) | Stage::Ended(sink) => sink.take(),
            Stage::Gzip(decoder, _) => decoder.get_mut().take(),
            Stage::Zlib(decoder) => decoder.get_mut().take(),
            Stage::Deflate(decoder) => decoder.get_mut().take(),
            Stage::Brotli(decoder) => decoder.get_mut().take(),
            Stage::Unknown(_) => Sink { bytes: Vec::new(), left: 0, is_kept: false, is_full: false },
        }
    }

    fn explain(&mut self, error: &io::Error) -> DecodeError {
        if self.sink().is_full || error.kind() == io::ErrorKind::FileTooLarge {
            DecodeError::TooLarge
        } else {
            DecodeError::Broken(shown(&error.to_string()))
        }
    }

    /// Ends the body; what was kept of it.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, DecodeError> {
        self.check_end()?;
        Ok(self.sink().bytes)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };

    use super::*;

    fn packed(encoding: &str, data: &[u8]) -> Vec<u8> {
        match encoding {
            "gzip" => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
                encoder.write_all(data).unwrap();
                encoder.finish().unwrap()
            }
            "deflate" => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
                encoder.write_all(data).unwrap();
                encoder.finish().unwrap()
            }
            "br" => {
                let mut out = Vec::new();
                brotli::CompressorWriter::new(&mut out, 4096, 5, 20).write_all(data).unwrap();
                out
            }
            _ => data.to_vec(),
        }
    }

    fn unpack(encoding: &str, data: &[u8], largest: u64, piece: usize) -> Result<Vec<u8>, DecodeError> {
        let headers = HeaderMap::from_iter([(header::CONTENT_ENCODING, encoding.parse().unwrap())]);
        let mut decoder = Decoder::new(&headers, ByteSize::bytes(largest), true);
        for piece in data.chunks(piece) {
            decoder.write(piece)?;
        }
        decoder.finish()
    }

    #[test]
    fn every_encoding_is_unpacked_in_pieces_of_any_size() {
        let text = "the quick brown fox ".repeat(500);
        for encoding in ["identity", "gzip", "deflate", "br"] {
            let data = packed(encoding, text.as_bytes());
            for piece in [1, 7, 1_000_000] {
                assert_eq!(unpack(encoding, &data, 10_000, piece).unwrap(), text.as_bytes(), "{encoding} by {piece}");
            }
        }
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::best());
        raw.write_all(text.as_bytes()).unwrap();
        assert_eq!(unpack("deflate", &raw.finish().unwrap(), 10_000, 10).unwrap(), text.as_bytes());
    }

    #[test]
    fn bombs_stop_at_the_bound() {
        let zeros = vec![0; 5_000_000];
        for encoding in ["identity", "gzip", "deflate", "br"] {
            assert_eq!(
                unpack(encoding, &packed(encoding, &zeros), 100_000, 512),
                Err(DecodeError::TooLarge),
                "{encoding}"
            );
        }
    }

    #[test]
    fn what_is_cut_or_garbage_is_told() {
        for encoding in ["gzip", "deflate", "br"] {
            let data = packed(encoding, "hello hello hello hello".as_bytes());
            assert!(
                matches!(unpack(encoding, &data[..data.len() / 2], 1000, 3), Err(DecodeError::Broken(_))),
                "{encoding} cut"
            );
        }
        assert!(matches!(unpack("gzip", b"this is not gzip at all", 1000, 100), Err(DecodeError::Broken(_))));
        assert_eq!(unpack("zstd", b"x", 1000, 1), Err(DecodeError::Unknown("zstd".to_owned())));
    }

    #[test]
    fn what_follows_the_packed_data_is_passed_over() {
        for encoding in ["gzip", "deflate", "br"] {
            for garbage in [&b"\r\n"[..], b"garbage that nobody asked for", &[0; 600]] {
                let data = [packed(encoding, b"hello"), garbage.to_vec()].concat();
                for piece in [1, 5, 1_000] {
                    assert_eq!(unpack(encoding, &data, 1_000, piece), Ok(b"hello".to_vec()), "{encoding} by {piece}");
                }
            }
        }
        // What begins like a member of gzip and is none.
        for garbage in [&b"\x1f"[..], b"\x1f\x8b", b"\x1f garbage", b"\x1f\x8b\x07 another method", &[0x1f; 600]] {
            let data = [packed("gzip", b"hello"), garbage.to_vec()].concat();
            for piece in [1, 5, 1_000] {
                assert_eq!(unpack("gzip", &data, 1_000, piece), Ok(b"hello".to_vec()), "{garbage:?} by {piece}");
            }
        }
        let cut = [packed("gzip", b"hello"), packed("gzip", b"more")[..14].to_vec()].concat();
        assert!(matches!(unpack("gzip", &cut, 1_000, 3), Err(DecodeError::Broken(_))), "a member that has begun");
        assert!(matches!(unpack("gzip", b"\x1f", 1_000, 1), Err(DecodeError::Broken(_))), "no member at all");
        let members = [packed("gzip", b"one, "), packed("gzip", b"two")].concat();
        assert_eq!(unpack("gzip", &members, 1_000, 3), Ok(b"one, two".to_vec()));
    }

    #[test]
    fn encodings_are_read_as_servers_write_them() {
        let decoder = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_ENCODING, http::HeaderValue::from_static(value));
            }
            Decoder::new(&headers, ByteSize::bytes(1_000), true)
        };
        assert!(matches!(decoder(&[]).0, Stage::Plain(_)));
        assert!(matches!(decoder(&["", " Identity "]).0, Stage::Plain(_)));
        assert!(matches!(decoder(&["X-GZIP"]).0, Stage::Gzip(..)));
        assert!(matches!(decoder(&["identity, br"]).0, Stage::Brotli(_)));
        assert!(matches!(decoder(&["gzip", "br"]).0, Stage::Unknown(text) if text == "gzip, br"));
        assert!(decoder(&[]).is_certainly_too_large(1_001));
        assert!(!decoder(&[]).is_certainly_too_large(1_000));
        assert!(!decoder(&["gzip"]).is_certainly_too_large(1_001));
    }
}
