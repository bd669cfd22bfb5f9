//! Ready-made requests and what counts as an answer to them, a file each. Bytes in, facts or a fault out.
//! Every request has numbers of its own, so that an answer to another one is known as such.

mod dns;
mod game;
mod ntp;
mod sip;
mod stun;

use std::{borrow::Cow, net::SocketAddr};

use watchkeep_model::{
    Endpoint,
    udp::{Facts, ReadyMade},
};

/// What makes a request unlike any other.
pub(super) type Nonce = [u8; 16];

/// One request, made anew for each test.
pub(super) struct Asking<'a> {
    pub(super) ready: ReadyMade,
    pub(super) nonce: Nonce,
    /// Where it goes.
    pub(super) target: &'a Endpoint,
    /// Where it comes from.
    pub(super) local: SocketAddr,
}

/// The robot's clock when the request left and when a datagram came, as NTP writes times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) sent: u64,
    pub(super) received: u64,
}

/// Why a datagram is not the right answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    /// Whether it may have nothing to do with our request, so that the right answer may still come.
    pub(super) is_stray: bool,
    pub(super) detail: Cow<'static, str>,
}

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It can be read, and is another one.
    Unexpected,
    /// It cannot be read.
    Invalid,
}

impl Fault {
    pub(super) fn unexpected(detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: Kind::Unexpected, is_stray: false, detail: detail.into() }
    }

    pub(super) fn invalid(detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: Kind::Invalid, is_stray: false, detail: detail.into() }
    }

    fn stray(self) -> Self {
        Self { is_stray: true, ..self }
    }
}

impl Asking<'_> {
    /// The datagram to send.
    pub(super) fn request(&self) -> Vec<u8> {
        match self.ready {
            ReadyMade::Dns => dns::request(&self.nonce),
            ReadyMade::Ntp => ntp::request(&self.nonce),
            ReadyMade::Sip => sip::request(&self.nonce, self.target, self.local),
            ReadyMade::Stun => stun::request(&self.nonce),
            ReadyMade::Quake => game::quake_request(&self.nonce),
            ReadyMade::Source => game::source_request(),
        }
    }

    /// What a datagram says that came back.
    pub(super) fn read(&self, datagram: &[u8], times: Times) -> Result<Facts, Fault> {
        match self.ready {
            ReadyMade::Dns => dns::read(&self.nonce, datagram),
            ReadyMade::Ntp => ntp::read(&self.nonce, datagram, times),
            ReadyMade::Sip => sip::read(&self.nonce, datagram),
            ReadyMade::Stun => stun::read(&self.nonce, datagram),
            ReadyMade::Quake => game::read_quake(&self.nonce, datagram),
            ReadyMade::Source => game::read_source(datagram),
        }
    }
}

/// The first bytes of a slice as an array, and the rest; `None` where it is shorter.
fn take<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
    bytes.split_first_chunk().map(|(first, rest)| (*first, rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use proptest::prelude::*;

    use super::*;

    const TIMES: Times = Times { sent: 1 << 40, received: 1 << 41 };

    fn asking(ready: ReadyMade, nonce: Nonce, target: &Endpoint) -> Asking<'_> {
        Asking { ready, nonce, target, local: "192.0.2.1:50000".parse().unwrap() }
    }

    fn target() -> Endpoint {
        Endpoint::parse("peer.example:5060", None).unwrap()
    }

    /// Who sends back what was sent to it has not answered.
    #[test]
    fn an_echo_is_no_answer() {
        let target = target();
        for ready in ReadyMade::ALL {
            let asking = asking(ready, [7; 16], &target);
            assert!(asking.read(&asking.request(), TIMES).is_err(), "{ready}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_without_a_panic(
            ready in prop::sample::select(ReadyMade::ALL.to_vec()),
            nonce in any::<Nonce>(),
            mut datagram in prop::collection::vec(any::<u8>(), 0..200),
            is_for_us in any::<bool>(),
        ) {
            let target = target();
            let asking = asking(ready, nonce, &target);
            // A request with some of it changed comes further than noise.
            if is_for_us {
                let request = asking.request();
                for (at, byte) in datagram.iter_mut().enumerate() {
                    let original = request.get(at).copied().unwrap_or_default();
                    *byte = if *byte < 200 { original } else { *byte };
                }
            }
            let _ = asking.read(&datagram, TIMES);
        }

        #[test]
        fn requests_fit_into_any_datagram_and_differ(one in any::<Nonce>(), other in any::<Nonce>()) {
            let target = target();
            for ready in ReadyMade::ALL {
                let [first, second] = [one, other].map(|nonce| asking(ready, nonce, &target).request());
                prop_assert!(first.len() < 1_200);
                // DNS has no more than sixteen bits for it, and A2S none.
                let has_number = ready != ReadyMade::Source && one[..2] != other[..2];
                prop_assert!(!has_number || first != second);
            }
        }
    }
}
