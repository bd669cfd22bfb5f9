//! The JSON body of a webhook, as the contract has it.

use serde_json::{Value, json};
use url::Url;
use watchkeep_catalogue::find;
use watchkeep_model::{About, Event, Happening, Monitor};

/// The message of an event about a monitor.
pub(crate) fn body(event: &Event, monitor: Option<&Monitor>, public_url: &Url) -> String {
    let data = match (&event.about, monitor) {
        (Some(about), Some(monitor)) => data(about, monitor, public_url),
        _ => json!({}),
    };
    envelope(event, &data)
}

/// The message by which a channel is tried out.
pub(crate) fn ping(event: &Event) -> String {
    envelope(event, &json!({"message": "This is a test of the channel. Nothing is wrong."}))
}

fn envelope(event: &Event, data: &Value) -> String {
    json!({"id": event.id, "type": event.kind.as_str(), "created_at": event.created_at, "data": data}).to_string()
}

fn data(about: &About, monitor: &Monitor, public_url: &Url) -> Value {
    let subject = &monitor.settings.test.subject;
    let entry = find(subject.family, about.code);
    let base = public_url.as_str().trim_end_matches('/');
    let mut data = json!({
        "monitor": {
            "id": monitor.id,
            "name": monitor.settings.name,
            "family": subject.family.as_str(),
            "type": &*subject.test_type,
            "target": &*subject.target,
            "tags": monitor.settings.tags,
        },
        "code": about.code.number(),
        "name": entry.map_or("unknown", |entry| entry.name),
        "severity": about.code.severity(subject.family).as_str(),
        "summary": entry.map_or("A status that this version does not know.", |entry| entry.summary),
        "detail": about.detail(subject.family),
        "locations": about.locations,
        "since": about.since,
        "incident": about.incident,
        "url": format!("{base}/monitors/{}", monitor.id),
    });
    match &about.what {
        Happening::StatusChanged { previous_code, .. } => data["previous_code"] = json!(previous_code.number()),
        Happening::Expiring { expires_at, days_left, .. } => {
            data["expires_at"] = json!(expires_at);
            data["days_left"] = json!(days_left);
        }
        Happening::Changed { differences } => data["changes"] = json!(differences),
    }
    data
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use std::sync::Arc;

    use watchkeep_catalogue::{Family, StatusCode};
    use watchkeep_model::{
        Difference, EventId, EventType, IncidentId, LocationName, MonitorId, MonitorSettings, OrgId, TestSubject,
    };

    use super::*;

    const AT: &str = "2026-11-24T10:00:00.123Z";

    fn monitor(family: Family, test_type: &str, target: &str) -> Monitor {
        let settings = json!({"type": "http", "name": "shop", "target": "https://shop.example/", "tags": ["prod"]});
        let (mut settings, _) = MonitorSettings::parse(settings.as_object().unwrap().clone()).unwrap();
        let subject = TestSubject { family, test_type: test_type.into(), target: target.into() };
        Arc::make_mut(&mut settings.test).subject = Arc::new(subject);
        Monitor {
            id: MonitorId::from_random([2; 16]),
            org: OrgId::from_random([1; 16]),
            settings,
            created_at: AT.parse().unwrap(),
            version: 1,
        }
    }

    fn message(monitor: &Monitor, kind: EventType, code: i16, what: Happening) -> Value {
        let at = AT.parse().unwrap();
        let about = About {
            monitor: monitor.id.clone(),
            code: StatusCode::new(code),
            locations: vec![LocationName::local()],
            since: at,
            incident: (code != 0).then(|| IncidentId::from_random([3; 16])),
            what,
        };
        let id = EventId::from_random([4; 16]);
        let event = Event { id, org: monitor.org.clone(), kind, created_at: at, about: Some(about) };
        serde_json::from_str(&body(&event, Some(monitor), &"https://watch.example/".parse().unwrap())).unwrap()
    }

    /// What a message is for a good status, with these fields beside those that every message has.
    fn expected(monitor: &Monitor, kind: &str, fields: Value) -> Value {
        let subject = &monitor.settings.test.subject;
        let mut data = json!({
            "monitor": {"id": monitor.id, "name": "shop", "family": subject.family.as_str(), "type": &*subject.test_type, "target": &*subject.target, "tags": ["prod"]},
            "code": 0,
            "name": "operational",
            "severity": "operational",
            "summary": "Everything is as it should be.",
            "locations": ["local"],
            "since": AT,
            "incident": null,
            "url": format!("https://watch.example/monitors/{}", monitor.id),
        });
        let Value::Object(fields) = fields else { unreachable!() };
        data.as_object_mut().unwrap().extend(fields);
        json!({"id": EventId::from_random([4; 16]), "type": kind, "created_at": AT, "data": data})
    }

    #[test]
    fn the_body_is_the_contracts() {
        let shop = monitor(Family::Service, "http", "https://shop.example/");
        let what = Happening::StatusChanged {
            previous_code: StatusCode::OPERATIONAL,
            detail: Some("connection refused (192.0.2.7:443)".to_owned()),
        };
        let fields = json!({
            "code": 451,
            "previous_code": 0,
            "name": "http_connect_failed",
            "severity": "down",
            "summary": "Cannot connect to the web server.",
            "detail": "connection refused (192.0.2.7:443)",
            "incident": IncidentId::from_random([3; 16]),
        });
        let expected = expected(&shop, "service.status_changed", fields);
        assert_eq!(message(&shop, EventType::ServiceStatusChanged, 451, what), expected);
    }

    #[test]
    fn an_end_that_comes_nearer_says_when_it_is() {
        let shop = monitor(Family::Certificate, "certificate", "shop.example:443");
        let expires_at = "2026-12-02T08:00:00Z".parse().unwrap();
        let what = Happening::Expiring { expires_at, days_left: 7, threshold: 7 };
        let fields = json!({
            "detail": "certificate expires in 7 days (2026-12-02)",
            "expires_at": "2026-12-02T08:00:00Z",
            "days_left": 7,
        });
        let expected = expected(&shop, "certificate.expiring", fields);
        assert_eq!(message(&shop, EventType::CertificateExpiring, 0, what), expected);
    }

    #[test]
    fn attributes_that_changed_are_told_before_and_after() {
        let shop = monitor(Family::Domain, "domain", "shop.example");
        let difference = |attribute: &str, before: &str, after: &str| Difference {
            attribute: attribute.to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
        };
        let what = Happening::Changed {
            differences: vec![
                difference("name_servers", "ns1.example", "ns1.example.net"),
                difference("registrar", "One", "Two"),
            ],
        };
        let fields = json!({
            "detail": "name servers changed: ns1.example → ns1.example.net; registrar changed: One → Two",
            "changes": [
                {"attribute": "name_servers", "before": "ns1.example", "after": "ns1.example.net"},
                {"attribute": "registrar", "before": "One", "after": "Two"},
            ],
        });
        let expected = expected(&shop, "domain.changed", fields);
        assert_eq!(message(&shop, EventType::DomainChanged, 0, what), expected);
    }
}
