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

/// Writes words by how they differ from those written before.
pub(super) fn put_words(out: &mut Vec<u8>, words: &Words, base: Option<&Words>) {
    out.push(words.family);
    out.push(u8::from(words.detail.is_some()));
    for (text, base) in texts(words).into_iter().zip(base.map_or([""; 5], texts)) {
        put_text(out, text, base);
    }
}

/// Reads words that were written against the same `base`.
pub(super) fn read_words(cursor: &mut Cursor<'_>, base: Option<&Words>) -> Result<Words, CodecError> {
    let family = cursor.byte()?;
    let has_detail = match cursor.byte()? {
        0 => false,
        1 => true,
        _ => return Err(CodecError::Content),
    };
    let [test_type, target, location, detail, observed] = base.map_or([""; 5], texts);
    let (test_type, target) = (cursor.text(test_type)?.into(), cursor.text(target)?.into());
    let (location, detail) = (cursor.text(location)?.into(), cursor.text(detail)?.into_boxed_str());
    let observed = cursor.text(observed)?.into_boxed_str();
    Ok(Words { family, test_type, target, location, detail: has_detail.then_some(detail), observed })
}

fn texts(words: &Words) -> [&str; 5] {
    [&words.test_type, &words.target, &words.location, words.detail.as_deref().unwrap_or_default(), &words.observed]
}

/// How a result names its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// Those in this place of its series.
    Known(usize),
    /// New ones.
    New(Arc<Words>),
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

    /// The words that came last: new ones resemble them.
    pub(super) fn newest(&self) -> Option<&Words> {
        self.places.get(self.newest).map(|words| &**words)
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
        match self.place(words) {
            Some(place) => Reference::Known(place),
            None => {
                self.learn(Arc::clone(words));
                Reference::New(Arc::clone(words))
            }
        }
    }

    /// The words that the next result names.
    pub(super) fn meaning(&self, reference: &Reference) -> Result<Arc<Words>, CodecError> {
        match reference {
            Reference::Known(place) => self.places.get(*place).map(Arc::clone).ok_or(CodecError::Content),
            Reference::New(words) => Ok(Arc::clone(words)),
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
