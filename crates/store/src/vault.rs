//! Secrets at rest: texts that hold any are encrypted before an engine sees them (XChaCha20-Poly1305).
//! The key stands in a file of its own beside the database, so that a copy of the database alone tells nothing.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};

use crate::StoreError;

const FILE: &str = "watchkeep.key";
/// The format written today: this byte, the nonce, the encrypted text with its tag.
const VERSION: u8 = 1;
const NONCE: usize = 24;

/// What a text belongs to. It is encrypted for this place only: moved elsewhere, it cannot be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The column, `monitor.settings` for instance.
    pub(crate) column: &'static str,
    /// The row's identifier.
    pub(crate) id: &'a str,
}

impl Place<'_> {
    fn bytes(self) -> Vec<u8> {
        // Neither a column nor an identifier has a line break.
        format!("{VERSION}\n{}\n{}", self.column, self.id).into_bytes()
    }
}

/// A text that was not encrypted with this key, for this place, or was damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be decrypted: it was damaged, or belongs elsewhere")]
pub(crate) struct Unreadable;

/// Encrypts and decrypts with the key of one folder.
pub(crate) struct Vault {
    cipher: XChaCha20Poly1305,
    file: PathBuf,
}

impl Vault {
    /// Whether a folder has a key.
    pub(crate) fn exists(folder: &Path) -> bool {
        folder.join(FILE).exists()
    }

    /// The vault of a folder with the key that stands there.
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        let file = folder.join(FILE);
        let failed = |problem: String| StoreError::Key { file: file.clone(), problem };
        let key = match fs::read(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(failed("is missing".to_owned())),
            read => read.map_err(|error| failed(format!("cannot be read ({error})")))?,
        };
        let key: [u8; 32] =
            key.try_into().map_err(|key: Vec<u8>| failed(format!("has {} bytes instead of 32", key.len())))?;
        Ok(Self { cipher: XChaCha20Poly1305::new(&key.into()), file })
    }

    /// Puts a new key into a folder that has none. It is on the disk before anything is encrypted with it.
    pub(crate) fn make(folder: &Path) -> Result<(), StoreError> {
        let failed = |error: io::Error| StoreError::Engine {
            doing: "make its key",
            reason: format!("{}: {error}", folder.join(FILE).display()),
        };
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| failed(io::Error::other(error.to_string())))?;
        // A half-written file never has the key's name.
        let unfinished = folder.join(format!("{FILE}.new"));
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&unfinished).map_err(failed)?;
        file.write_all(&key).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::rename(&unfinished, folder.join(FILE)).map_err(failed)?;
        #[cfg(unix)]
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(())
    }

    /// The error for a database that was written with another key.
    pub(crate) fn is_another(&self) -> StoreError {
        StoreError::Key { file: self.file.clone(), problem: "is the key of another database".to_owned() }
    }

    /// Encrypts a text for a place.
    pub(crate) fn lock(&self, place: Place<'_>, text: &str) -> Result<Vec<u8>, StoreError> {
        let failed = |reason: String| StoreError::Engine { doing: "encrypt a value", reason };
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|error| failed(error.to_string()))?;
        let payload = Payload { msg: text.as_bytes(), aad: &place.bytes() };
        let locked = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|error| failed(error.to_string()))?;
        Ok([&[VERSION], &nonce[..], &locked].concat())
    }

    /// Decrypts what was encrypted for this place.
    pub(crate) fn unlock(&self, place: Place<'_>, bytes: &[u8]) -> Result<String, Unreadable> {
        let rest = bytes.strip_prefix(&[VERSION]).ok_or(Unreadable)?;
        let (nonce, locked) = rest.split_first_chunk::<NONCE>().ok_or(Unreadable)?;
        let payload = Payload { msg: locked, aad: &place.bytes() };
        let text = self.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| Unreadable)?;
        String::from_utf8(text).map_err(|_| Unreadable)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    const HERE: Place<'_> = Place { column: "monitor.settings", id: "mon_1" };

    fn vault() -> Vault {
        let folder = tempfile::tempdir().unwrap();
        Vault::make(folder.path()).unwrap();
        Vault::open(folder.path()).unwrap()
    }

    #[test]
    fn a_text_comes_back_at_its_own_place_with_its_own_key_only() {
        let vault = vault();
        for text in ["", "a secret", &"ünïcode 😀".repeat(1_000)] {
            let locked = vault.lock(HERE, text).unwrap();
            assert_eq!(vault.unlock(HERE, &locked).unwrap(), text);
            let elsewhere = [Place { id: "mon_2", ..HERE }, Place { column: "contact.channels", ..HERE }];
            for place in elsewhere {
                assert_eq!(vault.unlock(place, &locked), Err(Unreadable));
            }
            assert_eq!(self::vault().unlock(HERE, &locked), Err(Unreadable));
        }
    }

    #[test]
    fn the_same_text_never_looks_the_same_twice() {
        let vault = vault();
        assert_ne!(vault.lock(HERE, "a secret").unwrap(), vault.lock(HERE, "a secret").unwrap());
    }

    #[test]
    fn whatever_was_changed_cannot_be_read() {
        let vault = vault();
        let locked = vault.lock(HERE, "a secret").unwrap();
        for position in 0..locked.len() {
            let mut changed = locked.clone();
            changed[position] ^= 1;
            assert_eq!(vault.unlock(HERE, &changed), Err(Unreadable), "byte {position}");
            assert_eq!(vault.unlock(HERE, &locked[..position]), Err(Unreadable), "{position} bytes");
        }
    }
}
