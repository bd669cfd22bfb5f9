//! How a server can break the protocol, in words.

use std::fmt;

use watchkeep_model::websocket::Kind;

use super::{LARGEST_CONTROL, LARGEST_MESSAGE};

/// What is wrong with what a server sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breach {
    /// These of the three reserved bits are set, which only extensions use.
    ReservedBits(u8),
    UnknownOpcode(u8),
    Masked,
    NothingToContinue,
    MessageWithinMessage,
    FragmentedControl(Kind),
    LargeControl(Kind),
    /// A length that is written in more bytes than it needs.
    LongLength(u64),
    LengthWithTopBit,
    /// At this byte a text is not UTF-8.
    NotUtf8(usize),
    /// A close frame of one byte.
    HalfCloseCode,
    CloseCode(u16),
    CloseReason(u16),
    /// Within the protocol, and more than is read.
    LargeMessage(u64),
}

impl Breach {
    /// The code with which the connection is closed (RFC 6455, 7.4.1).
    pub(crate) fn close_code(self) -> u16 {
        match self {
            Self::NotUtf8(_) | Self::CloseReason(_) => 1007,
            Self::LargeMessage(_) => 1009,
            _ => 1002,
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ReservedBits(bits) => {
                let set = [(0x40, 1), (0x20, 2), (0x10, 3)].into_iter().filter(|(bit, _)| bits & bit != 0);
                let names: Vec<_> = set.map(|(_, number)| format!("RSV{number}")).collect();
                let names = names.join(", ");
                write!(f, "a frame has reserved bits set ({names}), although no extension was agreed on")
            }
            Self::UnknownOpcode(opcode) => write!(f, "a frame has the opcode {opcode:#x}, which does not exist"),
            Self::Masked => f.write_str("a frame is masked, which only those of clients may be"),
            Self::NothingToContinue => f.write_str("a frame continues a message, and none has begun"),
            Self::MessageWithinMessage => f.write_str("a message begins within another that has not ended"),
            Self::FragmentedControl(kind) => write!(f, "a {} frame is fragmented", kind.as_str()),
            Self::LargeControl(kind) => {
                write!(f, "a {} frame has more than {LARGEST_CONTROL} bytes", kind.as_str())
            }
            Self::LongLength(length) => {
                write!(f, "the length of a frame, {length}, is written in more bytes than it needs")
            }
            Self::LengthWithTopBit => f.write_str("the length of a frame has its highest bit set"),
            Self::NotUtf8(at) => write!(f, "a text message is not UTF-8 from byte {at} on"),
            Self::HalfCloseCode => f.write_str("a close frame has one byte, and a code has two"),
            Self::CloseCode(code) => write!(f, "a close frame has the code {code}, which must not be sent"),
            Self::CloseReason(code) => write!(f, "the reason of a close frame (code {code}) is not UTF-8"),
            Self::LargeMessage(length) => {
                write!(f, "a message is larger than {LARGEST_MESSAGE} bytes: a frame of {length} bytes was announced")
            }
        }
    }
}
