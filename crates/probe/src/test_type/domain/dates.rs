//! Dates as registries write them, in a dozen forms and more, read without knowing which one it is.
//! A date without a time is its first moment in UTC, or its last where it is an end; a time without a zone is in UTC.

use jiff::{Timestamp, civil, tz::Offset};

/// The longest text that is looked at, in bytes.
const LONGEST: usize = 80;

/// The last second of a day.
const NIGHT: civil::Time = civil::Time::constant(23, 59, 59, 0);

/// The moment that a text tells, if it tells one.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    moment(text, civil::Time::midnight())
}

/// The same of an end: what ends on a day is there until the day is over.
pub(super) fn read_end(text: &str) -> Option<Timestamp> {
    moment(text, NIGHT)
}

/// The moment that a text tells; `unless_told` is the time of a date alone.
fn moment(text: &str, unless_told: civil::Time) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > LONGEST || !text.is_ascii() {
        return None;
    }
    if let Ok(exact) = text.parse::<Timestamp>() {
        return Some(exact);
    }
    let mut parts = Parts::default();
    for word in words(text) {
        parts.take(word)?;
        if parts.is_told_enough(word) {
            break;
        }
    }
    parts.moment(unless_told)
}

/// Words between spaces, commas, parentheses and the `T` between date and time.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let between = text.find('T').filter(|&at| {
        let digit = |at: Option<usize>| at.and_then(|at| text.as_bytes().get(at)).is_some_and(u8::is_ascii_digit);
        digit(at.checked_sub(1)) && digit(Some(at + 1))
    });
    let (date, time) = between.map_or((text, ""), |at| (&text[..at], &text[at + 1..]));
    let split = |part| str::split(part, [' ', '\t', ',', '(', ')']).filter(|word| !word.is_empty());
    split(date).chain(split(time))
}

#[derive(Default)]
struct Parts {
    numbers: Vec<i16>,
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    time: Option<civil::Time>,
    offset: Option<Offset>,
}

impl Parts {
    /// Whether what follows is a comment: `20270101 #1234`.
    fn is_told_enough(&self, word: &str) -> bool {
        word.starts_with('#') && self.year.is_some()
    }

    /// `None` for a word that has no place in a date.
    fn take(&mut self, word: &str) -> Option<()> {
        if word.starts_with('#') && self.year.is_some() {
            return Some(());
        }
        if word.as_bytes().first()?.is_ascii_digit() && word.contains(':') {
            return self.take_time(word);
        }
        let is_offset = word.starts_with(['+', '-']) && self.time.is_some();
        if is_offset {
            self.offset = Some(offset(word)?);
            return Some(());
        }
        let number = word.strip_suffix('.').unwrap_or_else(|| cardinal(word));
        if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.take_number(number);
        }
        if word.as_bytes().first()?.is_ascii_digit() && word.contains(['-', '.', '/']) {
            return self.take_date(word.trim_end_matches('.'));
        }
        if let Some(month) = month(word) {
            self.month = Some(month);
            return Some(());
        }
        if let Some(hours) = zone(word) {
            self.offset = Offset::from_hours(hours).ok();
            return Some(());
        }
        let is_weekday = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].iter().any(|day| starts(word, day));
        // The form itself, told after the date: `2027-01-31 (YYYY-MM-DD)`.
        let is_form = word.bytes().all(|byte| matches!(byte, b'Y' | b'y' | b'M' | b'm' | b'D' | b'd' | b'-' | b'/'));
        (is_weekday || is_form).then_some(())
    }

    fn take_number(&mut self, word: &str) -> Option<()> {
        match word.len() {
            8 => self.take_triple(&word[..4], &word[4..6], &word[6..]),
            14 => {
                self.take_triple(&word[..4], &word[4..6], &word[6..8])?;
                self.take_time(&format!("{}:{}:{}", &word[8..10], &word[10..12], &word[12..]))
            }
            1..=4 => {
                self.numbers.push(word.parse().ok()?);
                Some(())
            }
            _ => None,
        }
    }

    fn take_date(&mut self, word: &str) -> Option<()> {
        let mut pieces = word.split(['-', '.', '/']);
        let (one, two, three) = (pieces.next()?, pieces.next()?, pieces.next()?);
        if pieces.next().is_some() {
            return None;
        }
        match one.len() {
            4 => self.take_triple(one, two, three),
            1 | 2 if three.len() == 4 => self.take_triple(three, two, one),
            _ => None,
        }
    }

    fn take_triple(&mut self, year: &str, month_text: &str, day: &str) -> Option<()> {
        self.year = Some(year.parse().ok()?);
        self.month = Some(month_text.parse().ok().or_else(|| month(month_text))?);
        self.day = Some(day.parse().ok()?);
        Some(())
    }

    fn take_time(&mut self, word: &str) -> Option<()> {
        let end = word.find(|c: char| !matches!(c, '0'..='9' | ':')).unwrap_or(word.len());
        let (clock, rest) = word.split_at(end);
        let mut pieces = clock.split(':').map(|piece| piece.parse::<i8>().ok());
        let (hour, minute) = (pieces.next()??, pieces.next()??);
        let second = pieces.next().map_or(Some(0), |second| second)?;
        self.time = Some(civil::Time::new(hour, minute, second.min(59), 0).ok()?);
        let fraction =
            rest.strip_prefix('.').map_or(rest, |rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
        if fraction.is_empty() {
            return Some(());
        }
        self.offset = Some(match zone(fraction) {
            Some(hours) => Offset::from_hours(hours).ok()?,
            None => offset(fraction)?,
        });
        Some(())
    }

    fn moment(mut self, unless_told: civil::Time) -> Option<Timestamp> {
        if let ([year @ 1000..=9999, month @ 1..=12, day], None, None) = (&self.numbers[..], self.year, self.month) {
            // `2027. 01. 31.`
            (self.year, self.month) = (Some(*year), i8::try_from(*month).ok());
            self.numbers = vec![*day];
        }
        for number in std::mem::take(&mut self.numbers) {
            match number {
                1000.. if self.year.is_none() => self.year = Some(number),
                1..=31 if self.day.is_none() => self.day = i8::try_from(number).ok(),
                _ => return None,
            }
        }
        let date = civil::Date::new(self.year?, self.month?, self.day?).ok()?;
        // No registry is older than DNS, and what lies beyond some centuries is a mistake.
        if !(1980..=2500).contains(&date.year()) {
            return None;
        }
        let at = date.to_datetime(self.time.unwrap_or(unless_told));
        self.offset.unwrap_or(Offset::UTC).to_timestamp(at).ok()
    }
}

/// `14` of `14th`.
fn cardinal(word: &str) -> &str {
    let endings = ["st", "nd", "rd", "th"];
    endings.into_iter().find_map(|ending| word.strip_suffix(ending)).unwrap_or(word)
}

fn starts(word: &str, with: &str) -> bool {
    word.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with))
}

fn month(word: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = word.trim_end_matches('.').to_ascii_lowercase();
    let at = MONTHS.iter().position(|month| *month == word || (word.len() == 3 && month.starts_with(&word)))?;
    i8::try_from(at + 1).ok()
}

/// The hours before UTC of zones that registries name.
fn zone(word: &str) -> Option<i8> {
    let hours = match word.to_ascii_uppercase().as_str() {
        "UTC" | "GMT" | "Z" | "WET" | "UTC+0" => 0,
        "CET" | "BST" | "WEST" => 1,
        "CEST" | "EET" => 2,
        "EEST" | "MSK" => 3,
        "CST" => 8,
        "JST" | "KST" => 9,
        "AEST" => 10,
        _ => return None,
    };
    Some(hours)
}

/// `+09:00`, `+0900` or `+9`.
fn offset(word: &str) -> Option<Offset> {
    let (sign, rest) = match word.as_bytes().first()? {
        b'+' => (1, &word[1..]),
        b'-' => (-1, &word[1..]),
        _ => return None,
    };
    let digits: String = rest.chars().filter(|&c| c != ':').collect();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = match digits.len() {
        1 | 2 => (digits.parse().ok()?, 0),
        4 => (digits[..2].parse().ok()?, digits[2..].parse().ok()?),
        _ => return None,
    };
    Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_dozen_forms_and_more_are_one_moment() {
        let midnight: Timestamp = "2027-01-31T00:00:00Z".parse().unwrap();
        for text in [
            "2027-01-31T00:00:00Z",
            "2027-01-31T00:00:00.0Z",
            "2027-01-31T09:00:00+09:00",
            "2027-01-31T01:00:00+0100",
            "2027-01-31 00:00:00",
            "2027-01-31 00:00:00 UTC",
            "2027-01-31 00:00:00+00",
            "2027-01-31",
            "2027/01/31",
            "2027.01.31 00:00:00",
            "2027.01.31",
            "20270131",
            "20270131 #1234567",
            "20270131000000",
            "31-Jan-2027",
            "31-jan-2027 00:00:00 UTC",
            "31/01/2027",
            "31.01.2027",
            "31.1.2027 00:00:00",
            "2027/01/31 09:00:00 (JST)",
            "Sun Jan 31 00:00:00 UTC 2027",
            "Sun, 31 Jan 2027 00:00:00 GMT",
            "January 31 2027",
            "Jan 31, 2027",
            "31 January 2027",
            "2027-Jan-31",
            "2027-01-31 (YYYY-MM-DD)",
            "2027. 01. 31.",
            "Sun Jan 31 2027",
            "Sunday 31st January 2027",
        ] {
            assert_eq!(read(text), Some(midnight), "{text}");
        }
    }

    #[test]
    fn what_ends_on_a_day_is_there_until_it_is_over() {
        for (text, end) in [
            ("2027/01/31", "2027-01-31T23:59:59Z"),
            ("31.1.2027", "2027-01-31T23:59:59Z"),
            ("20270131 #1234567", "2027-01-31T23:59:59Z"),
            ("2027-01-31T00:00:00Z", "2027-01-31T00:00:00Z"),
            ("2027-01-31 10:00:00", "2027-01-31T10:00:00Z"),
            ("2027/01/31 09:00:00 (JST)", "2027-01-31T00:00:00Z"),
        ] {
            assert_eq!(read_end(text), Some(end.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "soon",
            "before Aug-1996",
            "2027-13-01",
            "2027-02-30",
            "31/31/2027",
            "0000-00-00",
            "1-1-1",
            "2027",
            "25:00",
            "20271301",
            "2027-01-31 25:00:00",
            "é",
            "9999-12-31T23:59:59-99:00",
            "1970-01-01",
            "Not Available",
            "th",
            "31st",
        ] {
            assert_eq!(read(text).filter(|at| at.as_second() > 0), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,90}", likely in "[0-9T:./ +#-]{0,40}") {
            let _ = (read(&text), read(&likely));
        }
    }
}
