//! Frames of HTTP/2, for scripts of peers that break its rules (RFC 9113).
//! Sent by a [`crate::raw::Peer`] to a client that speaks HTTP/2 without asking first.

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `:status: 200` as an index into the static table of HPACK (RFC 7541, appendix A).
const STATUS_200: u8 = 0x88;

/// The stream of a client's first request.
const FIRST: u32 = 1;

/// Any frame: length, kind, flags and stream in front of the payload (RFC 9113, 4.1).
#[must_use]
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Empty settings: what every server says first.
#[must_use]
pub fn settings() -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[])
}

/// Settings that give the client no room to send a body: SETTINGS_INITIAL_WINDOW_SIZE is 0.
#[must_use]
pub fn settings_without_window() -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])
}

/// Says farewell before any request was taken, without an error.
#[must_use]
pub fn goaway() -> Vec<u8> {
    frame(GOAWAY, 0, 0, &[0; 8])
}

/// Resets the first request with this error code (RFC 9113, 7).
#[must_use]
pub fn reset(error: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, FIRST, &error.to_be_bytes())
}

/// Status 200 for the first request, with the body still to come.
#[must_use]
pub fn ok() -> Vec<u8> {
    frame(HEADERS, END_HEADERS, FIRST, &[STATUS_200])
}

/// A piece of the first request's body.
#[must_use]
pub fn data(bytes: &[u8]) -> Vec<u8> {
    frame(DATA, 0, FIRST, bytes)
}

/// The last piece of the first request's body.
#[must_use]
pub fn last_data(bytes: &[u8]) -> Vec<u8> {
    frame(DATA, END_STREAM, FIRST, bytes)
}

/// The beginning of a header block that does not end here.
#[must_use]
pub fn open_headers() -> Vec<u8> {
    frame(HEADERS, 0, FIRST, &[STATUS_200])
}

/// One more piece of an open header block: a header without index, `x: yyyy…`.
#[must_use]
pub fn continuation() -> Vec<u8> {
    let header = [&[0, 1, b'x', 100][..], &[b'y'; 100]].concat();
    frame(CONTINUATION, 0, FIRST, &header)
}

/// A question that must be answered.
#[must_use]
pub fn ping() -> Vec<u8> {
    frame(PING, 0, 0, &[0; 8])
}

/// A header block that HPACK cannot decode: an index beyond both tables.
#[must_use]
pub fn undecodable_headers() -> Vec<u8> {
    frame(HEADERS, END_HEADERS, FIRST, &[0xff, 0xff, 0xff, 0x7f])
}

/// A promise that no client of ours has allowed.
#[must_use]
pub fn push() -> Vec<u8> {
    frame(PUSH_PROMISE, END_HEADERS, FIRST, &[0, 0, 0, 2, STATUS_200])
}
