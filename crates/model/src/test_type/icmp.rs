//! The ICMP test (ping): its options and how they are read and written, and what it saw.
//! The codes that a bad option leads to are general ones: the catalogue's `icmp` section has none for settings.

use std::{net::IpAddr, time::Duration};

use serde::{Serialize, Serializer, ser::SerializeStruct};
use serde_json::json;
use watchkeep_catalogue::{StatusCode, service};

use crate::{Exposure, Field, HostName, Limits, Object, Reader, Shape, Span, split_scheme};

/// The code of a test whose time limits cannot be used.
pub(crate) const LIMITS_CODE: StatusCode = service::NOT_ENOUGH_PARAMETERS;

const DEFAULT_COUNT: u8 = 4;
const MOST_ECHOES: u8 = 100;
const DEFAULT_INTERVAL: Span = Span::milliseconds(200);
const SHORTEST_INTERVAL: Span = Span::milliseconds(10);
const LONGEST_INTERVAL: Span = Span::seconds(60);
const DEFAULT_SIZE: u16 = 56;
/// What identifies an echo takes this much of its payload.
const SMALLEST_SIZE: u16 = 16;
/// The largest payload: what fits in a jumbo frame of 9,000 bytes over IPv4.
pub const LARGEST_SIZE: u16 = 8_972;

/// What a person may set.
pub const FIELDS: &[Field] = &[
    Field {
        name: "count",
        flag: None,
        label: "Echoes",
        help: "How many echo requests are sent, 1 to 100.",
        default: "4",
        shape: Shape::Number,
    },
    Field {
        name: "interval",
        flag: None,
        label: "Time between echoes",
        help: "From one echo request to the next, 10ms to 60s.",
        default: "200ms",
        shape: Shape::Span,
    },
    Field {
        name: "size",
        flag: None,
        label: "Bytes of each echo",
        help: "The payload of each echo request, 16 to 8972 bytes; headers come on top.",
        default: "56",
        shape: Shape::Number,
    },
    Field {
        name: "tolerate_loss",
        flag: None,
        label: "Tolerated loss",
        help: "The percentage of echoes that may be lost, 0 to 100 (otherwise 403).",
        default: "0",
        shape: Shape::Number,
    },
];

/// Valid options of an ICMP test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Who is to answer.
    pub host: HostName,
    /// How many echo requests are sent, at least one.
    pub count: u8,
    /// The time from one to the next.
    pub interval: Span,
    /// Bytes of payload of each.
    pub size: u16,
    /// The percentage of them that may be lost.
    pub tolerate_loss: u8,
}

impl Options {
    /// When the last echo is sent, counted from the first.
    #[must_use]
    pub const fn until_last_echo(&self) -> Span {
        until_last(self.count, self.interval)
    }

    /// The object that is read back as the same options.
    pub(crate) fn write(&self, _: Exposure) -> Object {
        let mut object = Object::new();
        object.insert("count".to_owned(), json!(self.count));
        object.insert("interval".to_owned(), json!(self.interval));
        object.insert("size".to_owned(), json!(self.size));
        object.insert("tolerate_loss".to_owned(), json!(self.tolerate_loss));
        object
    }
}

const fn until_last(count: u8, interval: Span) -> Span {
    Span::milliseconds(interval.as_milliseconds() * (count as u64).saturating_sub(1))
}

/// The canonical target and the options, from a test's object.
pub(crate) fn read(target: Option<&str>, limits: Limits, reader: &mut Reader) -> Option<(String, Options)> {
    let before = reader.problem_count();
    let host = read_host(target, reader);
    let options = reader.nested("icmp", |reader| {
        let count = reader.number("count", 1, MOST_ECHOES.into()).and_then(|n| u8::try_from(n).ok());
        let interval = reader.parse::<Span>("interval").unwrap_or(DEFAULT_INTERVAL);
        if !(SHORTEST_INTERVAL..=LONGEST_INTERVAL).contains(&interval) {
            let message = format!("must be from {SHORTEST_INTERVAL} to {LONGEST_INTERVAL}");
            reader.problem_with_code("interval", message, LIMITS_CODE);
        }
        let size = reader.number("size", SMALLEST_SIZE.into(), LARGEST_SIZE.into());
        let tolerate_loss = reader.number("tolerate_loss", 0, 100).and_then(|n| u8::try_from(n).ok());
        let count = count.unwrap_or(DEFAULT_COUNT);
        if until_last(count, interval) >= limits.total {
            let message = format!(
                "leaves no time for the last reply: {count} echoes {interval} apart do not fit in the timeout of {}",
                limits.total
            );
            reader.problem_with_code("interval", message, LIMITS_CODE);
        }
        Some(Options {
            host: host?,
            count,
            interval,
            size: size.and_then(|n| u16::try_from(n).ok()).unwrap_or(DEFAULT_SIZE),
            tolerate_loss: tolerate_loss.unwrap_or_default(),
        })
    })?;
    (reader.problem_count() == before).then(|| (options.host.bare(), options))
}

/// `icmp://HOST` or the host alone.
fn read_host(target: Option<&str>, reader: &mut Reader) -> Option<HostName> {
    let (_, text) = split_scheme(target.map(str::trim).unwrap_or_default(), &["icmp"]);
    let text = text.strip_suffix('/').unwrap_or(text);
    if text.is_empty() {
        let message = "is missing; give the host to ping, such as router.example or 192.0.2.1";
        reader.problem_with_code("target", message, service::NOT_ENOUGH_PARAMETERS);
        return None;
    }
    text.parse().map_err(|message| reader.problem_with_code("target", message, service::NOT_ENOUGH_PARAMETERS)).ok()
}

/// What an ICMP test saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// The address that was pinged.
    pub ip: Option<IpAddr>,
    /// Echo requests that left the robot.
    pub sent: u8,
    /// Those that were answered; a reply that comes twice counts once.
    pub received: u8,
    /// Replies beyond the first to the same request.
    pub duplicates: u32,
    /// The round trips of what was answered.
    pub rtt: Option<RoundTrips>,
}

/// The times from sending an echo to its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundTrips {
    /// The shortest.
    pub min: Duration,
    /// Their mean.
    pub avg: Duration,
    /// The longest.
    pub max: Duration,
    /// The mean of the differences between each and the one before it, in the order of sending; zero for one alone.
    pub jitter: Duration,
}

impl RoundTrips {
    /// Of all times in the order of sending; `None` when there is none.
    #[must_use]
    pub fn of(times: impl Iterator<Item = Duration> + Clone) -> Option<Self> {
        let (min, max) = (times.clone().min()?, times.clone().max()?);
        let count = u32::try_from(times.clone().count()).unwrap_or(u32::MAX).max(1);
        let avg = times.clone().sum::<Duration>() / count;
        let differences = times.clone().zip(times.skip(1)).map(|(one, next)| one.abs_diff(next));
        let jitter = differences.sum::<Duration>() / count.saturating_sub(1).max(1);
        Some(Self { min, avg, max, jitter })
    }
}

impl Observed {
    /// The part of what was sent that was not answered, in percent with two digits after the point.
    #[must_use]
    pub fn loss(&self) -> f64 {
        match self.sent {
            0 => 0.0,
            sent => (f64::from(self.lost()) * 10_000.0 / f64::from(sent)).round() / 100.0,
        }
    }

    /// How many of those that were sent were not answered.
    #[must_use]
    pub const fn lost(&self) -> u8 {
        self.sent.saturating_sub(self.received)
    }

    /// The same for people, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let Some(ip) = self.ip else { return Vec::new() };
        if self.sent == 0 {
            return vec![format!("address {ip}")];
        }
        let echoes = if self.sent == 1 { "echo" } else { "echoes" };
        let mut first = format!("{} of {} {echoes} answered by {ip}", self.received, self.sent);
        if self.lost() > 0 {
            first.push_str(&format!(", {} % lost", self.loss()));
        }
        if self.duplicates > 0 {
            first.push_str(&format!(", {} duplicated", self.duplicates));
        }
        let trips = self.rtt.as_ref().map(|rtt| {
            let [min, avg, max, jitter] = rtt.in_order().map(|(_, time)| milliseconds(time));
            format!("round trip {min} / {avg} / {max} ms (least, average, most), jitter {jitter} ms")
        });
        [first].into_iter().chain(trips).collect()
    }
}

impl RoundTrips {
    const fn in_order(&self) -> [(&'static str, Duration); 4] {
        [("min", self.min), ("avg", self.avg), ("max", self.max), ("jitter", self.jitter)]
    }
}

impl Serialize for Observed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Observed", 6)?;
        fields.serialize_field("ip", &self.ip)?;
        fields.serialize_field("sent", &self.sent)?;
        fields.serialize_field("received", &self.received)?;
        fields.serialize_field("loss", &self.loss())?;
        fields.serialize_field("duplicates", &self.duplicates)?;
        fields.serialize_field("rtt_ms", &self.rtt)?;
        fields.end()
    }
}

impl Serialize for RoundTrips {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("RoundTrips", 4)?;
        for (name, time) in self.in_order() {
            fields.serialize_field(name, &milliseconds(time))?;
        }
        fields.end()
    }
}

/// Milliseconds with microsecond steps.
fn milliseconds(time: Duration) -> f64 {
    let microseconds = time.as_nanos().saturating_add(500) / 1_000;
    f64::from(u32::try_from(microseconds).unwrap_or(u32::MAX)) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_are_summed_up() {
        let of = |times: &[u64]| RoundTrips::of(times.iter().copied().map(Duration::from_millis));
        let ms = Duration::from_millis;
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[7]), Some(RoundTrips { min: ms(7), avg: ms(7), max: ms(7), jitter: ms(0) }));
        // Differences of 4, 2 and 6.
        assert_eq!(of(&[2, 6, 4, 10]).map(|rtt| rtt.jitter), Some(ms(4)));
        assert_eq!(of(&[2, 6, 4, 12]), Some(RoundTrips { min: ms(2), avg: ms(6), max: ms(12), jitter: ms(14) / 3 }));
    }

    #[test]
    fn what_was_seen_is_told_to_people_and_programs() {
        let times = [Duration::from_micros(1_250), Duration::from_micros(750)];
        let seen = Observed {
            ip: Some(IpAddr::from([192, 0, 2, 1])),
            sent: 3,
            received: 2,
            duplicates: 1,
            rtt: RoundTrips::of(times.into_iter()),
        };
        assert_eq!(
            seen.lines(),
            [
                "2 of 3 echoes answered by 192.0.2.1, 33.33 % lost, 1 duplicated",
                "round trip 0.75 / 1 / 1.25 ms (least, average, most), jitter 0.5 ms"
            ]
        );
        assert_eq!(
            json!(seen),
            json!({"ip": "192.0.2.1", "sent": 3, "received": 2, "loss": 33.33, "duplicates": 1,
                "rtt_ms": {"min": 0.75, "avg": 1.0, "max": 1.25, "jitter": 0.5}})
        );
        let nothing = json!({"ip": null, "sent": 0, "received": 0, "loss": 0.0, "duplicates": 0, "rtt_ms": null});
        assert_eq!(json!(Observed::default()), nothing);
        assert_eq!(Observed::default().lines(), Vec::<String>::new());
    }
}
