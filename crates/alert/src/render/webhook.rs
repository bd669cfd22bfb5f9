//! The JSON body of a webhook, as the contract has it.

use serde_json::{Value, json};
use url::Url;
use watchkeep_catalogue::find;
use watchkeep_model::{Event, Monitor, StatusChange};

/// The message of an event about a monitor.
pub(crate) fn body(event: &Event, monitor: Option<&Monitor>, public_url: &Url) -> String {
    let data = match (&event.change, monitor) {
        (Some(change), Some(monitor)) => status_change(change, monitor, public_url),
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

fn status_change(change: &StatusChange, monitor: &Monitor, public_url: &Url) -> Value {
    let subject = &monitor.settings.test.subject;
    let entry = find(subject.family, change.code);
    let base = public_url.as_str().trim_end_matches('/');
    json!({
        "monitor": {
            "id": monitor.id,
            "name": monitor.settings.name,
            "family": subject.family.as_str(),
            "type": &*subject.test_type,
            "target": &*subject.target,
            "tags": monitor.settings.tags,
        },
        "code": change.code.number(),
        "previous_code": change.previous_code.number(),
        "name": entry.map_or("unknown", |entry| entry.name),
        "severity": change.code.severity(subject.family).as_str(),
        "summary": entry.map_or("A status that this version does not know.", |entry| entry.summary),
        "detail": change.detail,
        "locations": change.locations,
        "since": change.since,
        "incident": change.incident,
        "url": format!("{base}/monitors/{}", monitor.id),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use watchkeep_catalogue::StatusCode;
    use watchkeep_model::{EventId, EventType, IncidentId, LocationName, MonitorId, MonitorSettings, OrgId};

    use super::*;

    #[test]
    fn the_body_is_the_contracts() {
        let settings = json!({"family": "service", "type": "http", "name": "shop", "target": "https://shop.example/", "tags": ["prod"]});
        let (settings, _) = MonitorSettings::parse(settings.as_object().unwrap().clone()).unwrap();
        let at = "2026-11-24T10:00:00.123Z".parse().unwrap();
        let org = OrgId::from_random([1; 16]);
        let monitor =
            Monitor { id: MonitorId::from_random([2; 16]), org: org.clone(), settings, created_at: at, version: 1 };
        let change = StatusChange {
            monitor: monitor.id.clone(),
            code: StatusCode::new(451),
            previous_code: StatusCode::OPERATIONAL,
            detail: Some("connection refused (192.0.2.7:443)".to_owned()),
            locations: vec![LocationName::local()],
            since: at,
            incident: Some(IncidentId::from_random([3; 16])),
        };
        let event = Event {
            id: EventId::from_random([4; 16]),
            org,
            kind: EventType::ServiceStatusChanged,
            created_at: at,
            change: Some(change),
        };
        let body: Value =
            serde_json::from_str(&body(&event, Some(&monitor), &"https://watch.example/".parse().unwrap())).unwrap();
        let expected = json!({
            "id": event.id,
            "type": "service.status_changed",
            "created_at": "2026-11-24T10:00:00.123Z",
            "data": {
                "monitor": {"id": monitor.id, "name": "shop", "family": "service", "type": "http", "target": "https://shop.example/", "tags": ["prod"]},
                "code": 451,
                "previous_code": 0,
                "name": "http_connect_failed",
                "severity": "down",
                "summary": "Cannot connect to the web server.",
                "detail": "connection refused (192.0.2.7:443)",
                "locations": ["local"],
                "since": "2026-11-24T10:00:00.123Z",
                "incident": IncidentId::from_random([3; 16]),
                "url": format!("https://watch.example/monitors/{}", monitor.id),
            },
        });
        assert_eq!(body, expected);
    }
}
