//! RDAP answers (RFC 9083): the few members that a test needs, and what an answer amounts to.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;
use watchkeep_model::HostName;

use super::{
    dates,
    facts::{Facts, epp, name_server},
};
use crate::outside::shown;

/// What an answer amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The name is registered.
    Registered(Facts),
    /// Nobody holds it.
    Absent,
    /// It is no answer of RDAP; why.
    NotUnderstood(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Domain {
    object_class_name: Option<String>,
    ldh_name: Option<String>,
    #[serde(default, deserialize_with = "readable")]
    status: Vec<String>,
    #[serde(default, deserialize_with = "readable")]
    events: Vec<Event>,
    #[serde(default, deserialize_with = "readable")]
    entities: Vec<Entity>,
    #[serde(default, deserialize_with = "readable")]
    nameservers: Vec<NameServer>,
    #[serde(default, rename = "secureDNS")]
    secure_dns: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    event_action: Option<String>,
    event_date: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entity {
    #[serde(default, deserialize_with = "readable")]
    roles: Vec<String>,
    #[serde(default)]
    handle: Value,
    #[serde(default)]
    vcard_array: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NameServer {
    ldh_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    error_code: u16,
}

/// What can be read of a list; a member that is broken says nothing of the others.
fn readable<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let Value::Array(members) = Value::deserialize(deserializer)? else { return Ok(Vec::new()) };
    Ok(members.into_iter().filter_map(|member| serde_json::from_value(member).ok()).collect())
}

/// Whether a service writes `name` so: in ASCII, or as people read it.
fn is_name(told: &str, name: &str) -> bool {
    told.eq_ignore_ascii_case(name) || told.parse::<HostName>().is_ok_and(|host| host.name() == Some(name))
}

/// Reads a reply of status 200.
pub(super) fn read(name: &str, body: &[u8]) -> Answer {
    let domain: Domain = match serde_json::from_slice(body) {
        Ok(domain) => domain,
        Err(error) if error.is_data() => {
            return Answer::NotUnderstood(format!("its JSON is not an RDAP domain: {}", shown(&error.to_string())));
        }
        Err(_) => return Answer::NotUnderstood(format!("it sent no JSON but {}", beginning(body))),
    };
    let is_domain = domain.object_class_name.as_deref().map_or(domain.ldh_name.is_some(), |class| class == "domain");
    if !is_domain {
        return Answer::NotUnderstood(format!("its JSON is not an RDAP domain: {}", beginning(body)));
    }
    if let Some(other) = domain.ldh_name.as_deref().map(|other| other.trim_end_matches('.'))
        && !is_name(other, name)
    {
        return Answer::NotUnderstood(format!("it answered for another name, {}", shown(other)));
    }
    let date = |action: &str, read: fn(&str) -> Option<Timestamp>| {
        let is_it = |event: &&Event| event.event_action.as_deref().is_some_and(|a| a.eq_ignore_ascii_case(action));
        domain.events.iter().filter(is_it).find_map(|event| read(event.event_date.as_deref()?))
    };
    let registrar = domain.entities.iter().find(|entity| entity.roles.iter().any(|role| role == "registrar"));
    let facts = Facts {
        registrar: registrar.and_then(|entity| {
            formatted_name(&entity.vcard_array).or_else(|| entity.handle.as_str().map(str::to_owned))
        }),
        created_at: date("registration", dates::read),
        updated_at: date("last changed", dates::read),
        expires_at: date("expiration", dates::read_end),
        statuses: domain.status.iter().filter_map(|status| epp(status)).collect(),
        name_servers: domain.nameservers.iter().filter_map(|server| name_server(server.ldh_name.as_deref()?)).collect(),
        dnssec: domain.secure_dns.get("delegationSigned").and_then(Value::as_bool),
    };
    let facts = facts.tidied();
    if facts == Facts::default() {
        return Answer::NotUnderstood("it tells nothing of the domain".to_owned());
    }
    Answer::Registered(facts)
}

/// Reads a reply of status 404: RDAP's word that the name is not there, or somebody else's that a page is not.
pub(super) fn read_absence(content_type: &str, body: &[u8]) -> Answer {
    let is_rdap = content_type.trim_start().to_ascii_lowercase().starts_with("application/rdap+json");
    let says_so = serde_json::from_slice::<Failure>(body).is_ok_and(|failure| failure.error_code == 404);
    match is_rdap || says_so {
        true => Answer::Absent,
        false => Answer::NotUnderstood(format!("status 404 without an RDAP answer but {}", beginning(body))),
    }
}

/// The name in a jCard (RFC 7095).
fn formatted_name(card: &Value) -> Option<String> {
    let properties = card.as_array()?.get(1)?.as_array()?;
    let name = properties
        .iter()
        .filter_map(Value::as_array)
        .find(|property| property.first().and_then(Value::as_str) == Some("fn"))?;
    name.get(3).and_then(Value::as_str).filter(|name| !name.trim().is_empty()).map(|name| name.trim().to_owned())
}

/// The beginning of an answer, for a detail.
pub(super) fn beginning(body: &[u8]) -> String {
    const SHOWN: usize = 80;
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * SHOWN)]);
    let text: Vec<&str> = text.split_whitespace().collect();
    let text = text.join(" ");
    match text.char_indices().nth(SHOWN) {
        _ if text.is_empty() => "nothing".to_owned(),
        Some((end, _)) => format!("“{}…”", shown(&text[..end])),
        None => format!("“{}”", shown(&text)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "tests fail by panicking")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_members_of_a_domain_become_facts() {
        let body = json!({
            "objectClassName": "domain", "ldhName": "SHOP.EXAMPLE.", "status": ["client transfer prohibited", "active"],
            "events": [{"eventAction": "expiration", "eventDate": "2027-01-31T00:00:00Z"},
                       {"eventAction": "registration", "eventDate": "2001-01-31T00:00:00Z"}, {}],
            "entities": [{"roles": ["abuse"]}, {"roles": ["registrar"], "handle": "292",
                "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", "Registrar Ltd"]]]}],
            "nameservers": [{"ldhName": "NS2.SHOP.EXAMPLE"}, {"ldhName": "ns1.shop.example."}, {}],
            "secureDNS": {"delegationSigned": true}
        });
        let Answer::Registered(facts) = read("shop.example", body.to_string().as_bytes()) else { panic!() };
        assert_eq!(facts.registrar.as_deref(), Some("Registrar Ltd"));
        assert_eq!(facts.statuses, ["clientTransferProhibited", "ok"]);
        assert_eq!(facts.name_servers, ["ns1.shop.example", "ns2.shop.example"]);
        assert_eq!((facts.dnssec, facts.expires_at.is_some(), facts.created_at.is_some()), (Some(true), true, true));
    }

    #[test]
    fn what_is_no_answer_is_told() {
        for (body, words) in [
            ("<html>maintenance", "no JSON but “<html>maintenance”"),
            ("", "no JSON but nothing"),
            ("[]", "not an RDAP domain"),
            ("{}", "not an RDAP domain"),
            (r#"{"objectClassName":"entity"}"#, "not an RDAP domain"),
            (r#"{"objectClassName":"domain","ldhName":"other.example"}"#, "another name, other.example"),
            (r#"{"objectClassName":"domain"}"#, "nothing of the domain"),
            (r#"{"objectClassName":7,"ldhName":"shop.example"}"#, "not an RDAP domain"),
            (r#"{"objectClassName":"domain","status":7}"#, "nothing of the domain"),
        ] {
            let Answer::NotUnderstood(reason) = read("shop.example", body.as_bytes()) else { panic!("{body}") };
            assert!(reason.contains(words), "{body}: {reason}");
        }
    }

    #[test]
    fn what_is_broken_says_nothing_of_the_rest() {
        for (member, broken) in [
            ("status", json!(null)),
            ("status", json!([null, 7])),
            ("events", json!({})),
            ("entities", json!([null, {"roles": null}, {"roles": ["registrar"], "handle": 292}])),
            ("nameservers", json!([{"ldhName": 7}])),
            ("secureDNS", json!([])),
        ] {
            let mut body = json!({"objectClassName": "domain", "ldhName": "bücher.example", "status": ["active"],
                                  "nameservers": [{"ldhName": "ns1.host.example"}]});
            body[member] = broken;
            let answer = read("xn--bcher-kva.example", body.to_string().as_bytes());
            assert!(matches!(answer, Answer::Registered(_)), "{body}: {answer:?}");
        }
    }

    #[test]
    fn only_rdap_says_that_a_name_is_absent() {
        assert_eq!(read_absence("application/rdap+json; charset=utf-8", b""), Answer::Absent);
        assert_eq!(read_absence("application/json", br#"{"errorCode":404}"#), Answer::Absent);
        for (kind, body) in [("text/html", "<h1>Not Found"), ("application/json", r#"{"errorCode":500}"#), ("", "")] {
            assert!(matches!(read_absence(kind, body.as_bytes()), Answer::NotUnderstood(_)), "{kind} {body}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = (read("shop.example", &body), read_absence("", &body));
        }
    }
}
