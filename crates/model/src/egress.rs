//! Which addresses Watchkeep may connect to on behalf of its users: one rule for tests and webhooks.
//! Asked with the very address that is about to be connected to, so that no name can slip past it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What tests and webhooks may reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EgressPolicy {
    /// Everything but link-local and cloud metadata addresses: one organisation that watches its own networks.
    #[default]
    OwnNetworks,
    /// Public addresses only: organisations that do not know each other share this installation.
    PublicOnly,
}

/// Why an address may not be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// 0.0.0.0, multicast, broadcast: no single peer.
    #[error("the egress policy forbids {0}: it is not the address of one host")]
    NotAHost(IpAddr),
    /// Link-local, where clouds keep their metadata services.
    #[error("the egress policy forbids {0}: link-local and cloud metadata addresses are never tested")]
    LinkLocal(IpAddr),
    /// Loopback, private and reserved networks.
    #[error("the egress policy forbids {0}: only public addresses may be reached")]
    NotPublic(IpAddr),
}

/// Metadata services that live outside of the link-local networks (Alibaba Cloud, AWS over IPv6).
const METADATA: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254))];

impl EgressPolicy {
    /// Whether `address` may be connected to.
    ///
    /// # Errors
    /// The reason why not. IPv4 addresses inside IPv6 ones are judged as what they are.
    pub fn permits(self, address: IpAddr) -> Result<(), Forbidden> {
        let seen = unwrapped(address);
        if seen.is_unspecified() || seen.is_multicast() || seen == IpAddr::V4(Ipv4Addr::BROADCAST) {
            return Err(Forbidden::NotAHost(address));
        }
        let link_local = match seen {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        if link_local || METADATA.contains(&seen) {
            return Err(Forbidden::LinkLocal(address));
        }
        if self == Self::PublicOnly && !is_public(seen) {
            return Err(Forbidden::NotPublic(address));
        }
        Ok(())
    }
}

/// The IPv4 address that an IPv6 one stands for: mapped (RFC 4291), NAT64 (RFC 6052) or 6to4 (RFC 3056).
fn unwrapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return IpAddr::V4(v4);
    }
    let inner = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => inner(high, low),
        _ => address,
    }
}

/// Whether the address belongs to the public Internet (IANA special-purpose registries, RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let protocol = a == 192 && b == 0 && c == 0;
            let benchmark = a == 198 && (b == 18 || b == 19);
            let reserved = a == 0 || a >= 240;
            !(v4.is_loopback()
                || v4.is_private()
                || v4.is_documentation()
                || shared
                || protocol
                || benchmark
                || reserved)
        }
        // Only 2000::/3 is handed out; of it, documentation and protocol assignments are not public.
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            (first & 0xe000) == 0x2000 && !(first == 0x2001 && (second == 0x0db8 || second < 0x0200))
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn policies_permit_what_they_say() {
        for (address, own, public) in [
            ("127.0.0.1", true, false),
            ("10.1.2.3", true, false),
            ("192.168.1.1", true, false),
            ("100.64.0.1", true, false),
            ("198.18.0.1", true, false),
            ("8.8.8.8", true, true),
            ("169.254.169.254", false, false),
            ("100.100.100.200", false, false),
            ("0.0.0.0", false, false),
            ("255.255.255.255", false, false),
            ("224.0.0.1", false, false),
            ("::", false, false),
            ("::1", true, false),
            ("fe80::1", false, false),
            ("fd00:ec2::254", false, false),
            ("fd12::1", true, false),
            ("ff02::1", false, false),
            ("2001:db8::1", true, false),
            ("2606:4700::1111", true, true),
            ("::ffff:169.254.169.254", false, false),
            ("::ffff:10.0.0.1", true, false),
            ("64:ff9b::a9fe:a9fe", false, false),
            ("2002:a9fe:a9fe::1", false, false),
            ("2002:0a00:0001::1", true, false),
        ] {
            let parsed: IpAddr = address.parse().unwrap();
            assert_eq!(EgressPolicy::OwnNetworks.permits(parsed).is_ok(), own, "{address} in own networks");
            assert_eq!(EgressPolicy::PublicOnly.permits(parsed).is_ok(), public, "{address} in public only");
        }
    }
}
