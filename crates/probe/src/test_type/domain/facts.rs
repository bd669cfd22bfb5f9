//! What a registry knows of a domain, whichever way it was asked, and the spelling of EPP for its statuses.

use jiff::Timestamp;

/// What is known of a registered name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) registrar: Option<String>,
    pub(super) created_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
    /// As EPP writes them; sorted, each once.
    pub(super) statuses: Vec<String>,
    /// In lower case without the dot at the end; sorted, each once.
    pub(super) name_servers: Vec<String>,
    pub(super) dnssec: Option<bool>,
}

/// Most statuses and name servers that are kept of an answer.
const MOST: usize = 40;
/// The longest name of a registrar that is kept, in characters.
const LONGEST: usize = 200;

impl Facts {
    /// Sorts what is a set and bounds what may be long.
    pub(super) fn tidied(mut self) -> Self {
        for set in [&mut self.statuses, &mut self.name_servers] {
            set.sort_unstable();
            set.dedup();
            set.truncate(MOST);
        }
        self.registrar = self.registrar.map(|name| crate::outside::shown(&name).chars().take(LONGEST).collect());
        self
    }

    /// Takes from another source what this one does not tell.
    pub(super) fn fill(&mut self, other: Self) {
        self.registrar = self.registrar.take().or(other.registrar);
        self.created_at = self.created_at.or(other.created_at);
        self.updated_at = self.updated_at.or(other.updated_at);
        self.expires_at = self.expires_at.or(other.expires_at);
        self.dnssec = self.dnssec.or(other.dnssec);
        if self.statuses.is_empty() {
            self.statuses = other.statuses;
        }
        if self.name_servers.is_empty() {
            self.name_servers = other.name_servers;
        }
    }

    /// Whether a status is one of EPP's: registries with words of their own tell nothing of locks by leaving EPP's out.
    pub(super) fn speaks_epp(&self) -> bool {
        self.has_status(&EPP)
    }

    pub(super) fn has_status(&self, wanted: &[&str]) -> bool {
        self.statuses.iter().any(|status| wanted.contains(&status.as_str()))
    }
}

/// The statuses of EPP (RFC 5731, 2.3; RFC 3915, 3.1).
const EPP: [&str; 25] = [
    "addPeriod",
    "autoRenewPeriod",
    "clientDeleteProhibited",
    "clientHold",
    "clientRenewProhibited",
    "clientTransferProhibited",
    "clientUpdateProhibited",
    "inactive",
    "ok",
    "pendingCreate",
    "pendingDelete",
    "pendingRenew",
    "pendingRestore",
    "pendingTransfer",
    "pendingUpdate",
    "redemptionPeriod",
    "renewPeriod",
    "serverDeleteProhibited",
    "serverHold",
    "serverRenewProhibited",
    "serverTransferProhibited",
    "serverUpdateProhibited",
    "transferPeriod",
    "linked",
    "locked",
];

/// A status in the spelling of EPP: RDAP writes `client hold` (RFC 8056), WHOIS servers as they like.
pub(super) fn epp(status: &str) -> Option<String> {
    let letters: String = status.chars().filter(char::is_ascii_alphabetic).collect();
    if letters.eq_ignore_ascii_case("active") {
        // RFC 8056, 2: the same thing by another word.
        return Some("ok".to_owned());
    }
    if let Some(known) = EPP.iter().find(|known| known.eq_ignore_ascii_case(&letters)) {
        return Some((*known).to_owned());
    }
    let shown = crate::outside::shown(status.trim());
    (!shown.is_empty()).then_some(shown)
}

/// A name server as facts keep it: a host name, without addresses that may follow it.
pub(super) fn name_server(text: &str) -> Option<String> {
    let name = text.split([' ', '\t', ',', '(', '[']).find(|word| !word.is_empty())?.trim_end_matches('.');
    let is_name = name.contains('.')
        && name.len() <= 253
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
        && name.bytes().any(|byte| byte.is_ascii_alphabetic());
    is_name.then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_one_spelling() {
        for (told, expected) in [
            ("client transfer prohibited", "clientTransferProhibited"),
            ("clientTransferProhibited", "clientTransferProhibited"),
            ("CLIENT-HOLD", "clientHold"),
            ("active", "ok"),
            ("redemption period", "redemptionPeriod"),
            ("Something else", "Something else"),
        ] {
            assert_eq!(epp(told).as_deref(), Some(expected), "{told}");
        }
        assert_eq!(epp(" \u{7} "), None);
    }

    #[test]
    fn name_servers_are_names() {
        for (told, expected) in [
            ("NS1.Shop.Example.", Some("ns1.shop.example")),
            ("ns1.shop.example 192.0.2.1 2001:db8::1", Some("ns1.shop.example")),
            ("192.0.2.1", None),
            ("(not disclosed)", None),
            ("", None),
        ] {
            assert_eq!(name_server(told).as_deref(), expected, "{told}");
        }
    }
}
