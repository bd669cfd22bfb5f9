//! The words of results: what repeats from one result to the next, written once and referred to afterwards.
//! A series remembers the newest words of each location; a result names one of them or brings new ones.

use std::sync::Arc;

use super::{
    bytes::{Cursor, put_text},
    codec::CodecError,
};

/// The words of a result; shared by all results that say the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    /// Position of the family in `Family::ALL`.
    pub(crate) family: u8,
    pub(crate) test_type: Arc<str>,
    pub(crate) target: Arc<str>,
    pub(crate) location: Arc<str>,
    pub(crate) detail: Option<Box<str>>,
    /// What was observed, as JSON.
    pub(crate) observed: Box<str>,
}

/// The bits of what is told first: that there is a detail, that the family is another one than before; below them, a
/// bit for each text that is.
const HAS_DETAIL: u8 = 0x80;
const OTHER_FAMILY: u8 = 0x40;

/// Writes words by how they differ from those that came before.
fn put_words(out: &mut Vec<u8>, words: &Words, base: Option<&Words>) {
    let (texts, base_texts) = (texts(words), base.map_or([""; 5], texts));
    let is_other_family = base.is_none_or(|base| base.family != words.family);
    let others = [0, 1, 2, 3, 4].map(|place| texts[place] != base_texts[place]);
    let bits = others.iter().rev().fold(0, |bits, other| bits << 1 | u8::from(*other));
    let bits = bits | if is_other_family { OTHER_FAMILY } else { 0 };
    out.push(bits | if words.detail.is_some() { HAS_DETAIL } else { 0 });
    if is_other_family {
        out.push(words.family);
    }
    (0..5).filter(|place| others[*place]).for_each(|place| put_text(out, texts[place], base_texts[place]));
}

/// The bytes of words as they were written, whatever they were written against.
pub(super) fn told_words<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], CodecError> {
    let all = cursor.0;
    let bits = cursor.byte()?;
    if bits & OTHER_FAMILY != 0 {
        cursor.byte()?;
    }
    (0..5).filter(|place| bits >> place & 1 == 1).try_for_each(|_| cursor.skip_text())?;
    Ok(&all[..all.len() - cursor.0.len()])
}

/// Reads words that were written against the same `base`.
fn read_words(cursor: &mut Cursor<'_>, base: Option<&Words>) -> Result<Words, CodecError> {
    let bits = cursor.byte()?;
    let family = match base {
        Some(base) if bits & OTHER_FAMILY == 0 => base.family,
        _ => cursor.byte()?,
    };
    let base_texts = base.map_or([""; 5], texts);
    let mut text = |place: usize| {
        if bits >> place & 1 == 1 { cursor.text(base_texts[place]).map(Some) } else { Ok(None) }
    };
    let shared = |found: Option<String>, base: Option<&Arc<str>>| match (found, base) {
        (Some(text), _) => text.into(),
        (None, Some(base)) => Arc::clone(base),
        (None, None) => "".into(),
    };
    let own = |found: Option<String>, base: &str| found.map_or_else(|| base.into(), String::into_boxed_str);
    Ok(Words {
        family,
        test_type: shared(text(0)?, base.map(|base| &base.test_type)),
        target: shared(text(1)?, base.map(|base| &base.target)),
        location: shared(text(2)?, base.map(|base| &base.location)),
        detail: Some(own(text(3)?, base_texts[3])).filter(|_| bits & HAS_DETAIL != 0),
        observed: own(text(4)?, base_texts[4]),
    })
}

fn texts(words: &Words) -> [&str; 5] {
    [&words.test_type, &words.target, &words.location, words.detail.as_deref().unwrap_or_default(), &words.observed]
}

/// How a result names its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// Those in this place of its series' vocabulary.
    Known(usize),
    /// New ones, told by how they differ from the newest of the vocabulary.
    New(Box<[u8]>),
}

/// The newest words of each location in one series, in the order in which the locations first spoke.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vocabulary {
    places: Vec<Arc<Words>>,
    newest: usize,
}

impl Vocabulary {
    /// Where these words stand, if they do.
    pub(super) fn place(&self, words: &Arc<Words>) -> Option<usize> {
        self.places.iter().position(|known| Arc::ptr_eq(known, words) || known == words)
    }

    /// Takes new words in, in place of those of the same location.
    pub(super) fn learn(&mut self, words: Arc<Words>) {
        let place = self.places.iter().position(|known| known.location == words.location);
        self.newest = place.unwrap_or(self.places.len());
        match self.places.get_mut(self.newest) {
            Some(known) => *known = words,
            None => self.places.push(words),
        }
    }

    /// How a result with these words names them; they are known afterwards.
    pub(super) fn refer(&mut self, words: &Arc<Words>) -> Reference {
        if let Some(place) = self.place(words) {
            return Reference::Known(place);
        }
        let mut told = Vec::with_capacity(64);
        put_words(&mut told, words, self.places.get(self.newest).map(|words| &**words));
        self.learn(Arc::clone(words));
        Reference::New(told.into())
    }

    /// The words that the next result names.
    pub(super) fn meaning(&self, reference: &Reference) -> Result<Arc<Words>, CodecError> {
        match reference {
            Reference::Known(place) => self.places.get(*place).map(Arc::clone).ok_or(CodecError::Content),
            Reference::New(told) => {
                let newest = self.places.get(self.newest).map(|words| &**words);
                read_words(&mut Cursor(told), newest).map(Arc::new)
            }
        }
    }

    /// The same; new words are known afterwards.
    pub(super) fn resolve(&mut self, reference: &Reference) -> Result<Arc<Words>, CodecError> {
        let words = self.meaning(reference)?;
        if matches!(reference, Reference::New(_)) {
            self.learn(Arc::clone(&words));
        }
        Ok(words)
    }
}
