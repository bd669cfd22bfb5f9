//! DNS blocklists for names (RFC 5782): what their answers mean, and which lists are of no use.
//! A list that refuses the robot or has every name is told in a remark and never counts.

use std::net::{IpAddr, Ipv4Addr};

use futures_util::future::join_all;
use tokio::time::Instant;
use watchkeep_model::{
    HostName, Test,
    domain::{Listing, Options, Remark},
};

use crate::{
    Prober,
    net::deadline::{Deadline, Passed},
    registries::Kind,
};

/// Names by which a list for names is tried (RFC 5782, 5).
const ALWAYS_LISTED: &str = "test";
const NEVER_LISTED: &str = "invalid";

const FULL: &str = "it has every name, invalid among them, which no list may have (RFC 5782)";
const EMPTY: &str = "it lacks the name test, which lists have for being tried (RFC 5782), so that it may be gone or closed to this robot";

/// What the lists say of a name.
#[derive(Debug, Default)]
pub(super) struct Listings {
    pub(super) listed_on: Vec<Listing>,
    pub(super) remarks: Vec<Remark>,
}

/// What one answer means.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Listed(Vec<Ipv4Addr>),
    Clean,
    /// The list does not answer this robot; the code by which it says so.
    Refused(Ipv4Addr),
}

fn meaning(addresses: &[IpAddr]) -> Meaning {
    let mut refusal = None;
    let mut codes = Vec::new();
    for address in addresses {
        let IpAddr::V4(code) = *address else { continue };
        match code.octets() {
            // The lists' ways of saying that they do not answer: 127.0.0.1 where names are listed, 127.255.255.x,
            // and whatever a resolver or the owner of an abandoned zone puts in place of an answer.
            [127, 0, 0, 1] | [127, 255, 255, _] => refusal = Some(code),
            [127, ..] => codes.push(code),
            _ => refusal = Some(code),
        }
    }
    codes.sort_unstable();
    match refusal {
        _ if !codes.is_empty() => Meaning::Listed(codes),
        Some(code) => Meaning::Refused(code),
        None => Meaning::Clean,
    }
}

/// Asks every list at the same time.
pub(super) async fn ask(prober: &Prober, test: &Test, options: &Options, deadline: Deadline) -> Listings {
    let asked = options.blocklists.iter().map(|list| ask_one(prober, test, &options.domain, list, deadline));
    let mut listings = Listings::default();
    for (list, answer) in options.blocklists.iter().zip(join_all(asked).await) {
        match answer {
            Ok(Some(codes)) => listings.listed_on.push(Listing { list: list.clone(), codes }),
            Ok(None) => {}
            Err(reason) => {
                listings.remarks.push(Remark(format!("the blocklist {list} was of no use: {reason}")));
            }
        }
    }
    listings
}

async fn ask_one(
    prober: &Prober,
    test: &Test,
    domain: &str,
    list: &HostName,
    deadline: Deadline,
) -> Result<Option<Vec<Ipv4Addr>>, String> {
    let server = test.network.resolver;
    let known = prober.registries.tried().find(list, server, Instant::now());
    if known == Some(Kind::Full) {
        return Err(FULL.to_owned());
    }
    let try_with = async |name: &str| {
        let answer = look_up(prober, test, &format!("{name}.{list}"), deadline).await;
        answer.map_err(|reason| format!("it could not be tried: {reason}"))
    };
    let keep = |kind| prober.registries.tried().keep(list, server, kind, Instant::now());
    match look_up(prober, test, &format!("{domain}.{list}"), deadline).await? {
        Meaning::Refused(code) => Err(format!("it refuses to answer this robot ({code})")),
        // A list may begin to have everything at any moment, so that every listing is tried.
        Meaning::Listed(codes) => match try_with(NEVER_LISTED).await? {
            Meaning::Clean => Ok(Some(codes)),
            Meaning::Listed(_) | Meaning::Refused(_) => {
                keep(Kind::Full);
                Err(FULL.to_owned())
            }
        },
        Meaning::Clean => {
            let kind = match known {
                Some(kind) => kind,
                None => {
                    let kind = match try_with(ALWAYS_LISTED).await? {
                        Meaning::Listed(_) => Kind::Alive,
                        Meaning::Clean | Meaning::Refused(_) => Kind::Empty,
                    };
                    keep(kind);
                    kind
                }
            };
            if kind == Kind::Empty { Err(EMPTY.to_owned()) } else { Ok(None) }
        }
    }
}

async fn look_up(prober: &Prober, test: &Test, name: &str, deadline: Deadline) -> Result<Meaning, String> {
    match deadline.bound(prober.names.codes(name, &test.network)).await {
        Ok(Ok(addresses)) => Ok(meaning(&addresses)),
        Ok(Err(error)) => Err(error.to_string()),
        Err(Passed(limit)) => Err(format!("no DNS server answered for {name} within {limit}")),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_meanings() {
        let meaning = |codes: &[&str]| meaning(&codes.iter().map(|code| code.parse().unwrap()).collect::<Vec<_>>());
        let four = |text: &str| text.parse::<Ipv4Addr>().unwrap();
        assert_eq!(meaning(&[]), Meaning::Clean);
        assert_eq!(meaning(&["127.0.1.4", "127.0.1.2"]), Meaning::Listed(vec![four("127.0.1.2"), four("127.0.1.4")]));
        assert_eq!(meaning(&["127.0.0.2", "127.0.0.1"]), Meaning::Listed(vec![four("127.0.0.2")]));
        for refusal in ["127.0.0.1", "127.255.255.254", "127.255.255.252", "192.0.2.7", "0.0.0.0"] {
            assert_eq!(meaning(&[refusal]), Meaning::Refused(four(refusal)));
        }
    }
}
