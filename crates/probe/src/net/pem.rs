//! PEM files that a test names on the robot: read within a bound, and kept until they change.
//! A test cannot make the robot read a device, a pipe or something endless.

use std::{
    collections::HashMap,
    fs::{self, File, Metadata},
    io::Read,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

/// The largest file that is read. The bundle of all public authorities has a quarter of a megabyte.
const LARGEST: u64 = 4 << 20;
/// Files kept at the same time; beyond that all are forgotten and read again.
const MOST_KEPT: usize = 256;

/// What comes of files, by path.
pub(crate) struct Files<T> {
    kept: Mutex<HashMap<Box<str>, Kept<T>>>,
}

struct Kept<T> {
    stamp: Stamp,
    built: Arc<T>,
}

/// Tells one state of a file from another.
type Stamp = (Option<SystemTime>, u64);

impl<T> Files<T> {
    /// Nothing is kept yet.
    pub(crate) fn new() -> Self {
        Self { kept: Mutex::default() }
    }

    /// What `build` makes of the file's content; built again only when the file has changed.
    pub(crate) fn get(&self, path: &str, build: impl FnOnce(&[u8]) -> Result<T, String>) -> Result<Arc<T>, String> {
        let metadata = fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?;
        let stamp = (metadata.modified().ok(), metadata.len());
        if let Some(kept) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(path)
            && kept.stamp == stamp
        {
            return Ok(Arc::clone(&kept.built));
        }
        let built = Arc::new(build(&content(path, &metadata)?)?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(path.into(), Kept { stamp, built: Arc::clone(&built) });
        Ok(built)
    }
}

fn content(path: &str, metadata: &Metadata) -> Result<Vec<u8>, String> {
    if !metadata.is_file() {
        return Err("is not a file".to_owned());
    }
    let mut content = Vec::new();
    let file = File::open(path).map_err(|error| format!("cannot be read: {error}"))?;
    let count = file.take(LARGEST + 1).read_to_end(&mut content).map_err(|error| format!("cannot be read: {error}"))?;
    if count as u64 > LARGEST { Err(format!("is larger than {} MiB", LARGEST >> 20)) } else { Ok(content) }
}

/// Every certificate of a PEM file, at least one.
pub(crate) fn certificates(content: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(content).collect();
    match found {
        Ok(found) if found.is_empty() => Err("has no certificate".to_owned()),
        Ok(found) => Ok(found),
        Err(error) => Err(format!("is not PEM: {error}")),
    }
}

/// The first private key of a PEM file.
pub(crate) fn private_key(content: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(content).map_err(|error| format!("has no usable private key: {error}"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_again_only_when_they_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let path = path.to_str().unwrap();
        let files = Files::new();
        let length = |content: &[u8]| Ok(content.len());
        fs::write(path, "one").unwrap();
        assert_eq!(*files.get(path, length).unwrap(), 3);
        assert_eq!(*files.get(path, |_| Ok(99)).unwrap(), 3);
        fs::write(path, "three").unwrap();
        assert_eq!(*files.get(path, length).unwrap(), 5);
        fs::remove_file(path).unwrap();
        assert!(files.get(path, length).unwrap_err().contains("cannot be read"));
    }

    #[test]
    fn only_files_of_bounded_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let files: Files<usize> = Files::new();
        let refuse = |path: &str| files.get(path, |content| Ok(content.len())).unwrap_err();
        assert_eq!(refuse("/dev/zero"), "is not a file");
        assert_eq!(refuse(folder.path().to_str().unwrap()), "is not a file");
        let large = folder.path().join("large");
        File::create(&large).unwrap().set_len(LARGEST + 1).unwrap();
        assert_eq!(refuse(large.to_str().unwrap()), "is larger than 4 MiB");
    }

    #[test]
    fn what_is_not_pem_is_refused() {
        assert_eq!(certificates(b"hello").unwrap_err(), "has no certificate");
        assert!(certificates(b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n").is_err());
        assert!(private_key(b"hello").unwrap_err().starts_with("has no usable private key"));
    }
}
