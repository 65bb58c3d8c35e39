//! `manifest.json`: the files of a bundle with their sizes and digests.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// The version of the manifest's own format.
const VERSION: u32 = 1;

/// The content of `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of the manifest's own format.
    pub version: u32,
    /// The version of Warmer.
    pub release: String,
    /// What the bundle is made for, as Rust names it: `x86_64-unknown-linux-gnu`.
    pub target: String,
    /// By path. All files but the manifest itself and the checksums, which are made after it.
    pub files: Vec<ManifestFile>,
}

/// One file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Relative to the manifest, with `/` between its parts.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its content.
    pub sha256: Digest,
}

/// A SHA-256 digest, 64 hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(String);

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self::of_hash(Sha256::digest(bytes).as_slice())
    }

    /// Of a file, read in pieces.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        use sha2::Digest as _;
        let (mut file, mut hasher, mut piece) = (File::open(path)?, Sha256::new(), vec![0; 1 << 16]);
        loop {
            match file.read(&mut piece)? {
                0 => return Ok(Self::of_hash(hasher.finalize().as_slice())),
                read => hasher.update(&piece[..read]),
            }
        }
    }

    /// One that a person wrote; capitals are as good.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digest = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_digest.then(|| Self(text.to_ascii_lowercase()))
    }

    fn of_hash(hash: &[u8]) -> Self {
        Self(hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Manifest {
    /// The name of its file.
    pub const FILE: &str = "manifest.json";

    /// A manifest of these files.
    pub fn new(release: &str, target: &str, files: Vec<ManifestFile>) -> Self {
        Self { version: VERSION, release: release.to_owned(), target: target.to_owned(), files }
    }

    /// The one in this directory.
    ///
    /// # Errors
    /// When there is none that this program understands.
    pub fn read(directory: &Path) -> Result<Self> {
        let path = directory.join(Self::FILE);
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} cannot be used", path.display()))
    }

    /// One from its text.
    ///
    /// # Errors
    /// When it is malformed or of another version.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let manifest: Self = serde_json::from_slice(text).context("it is no manifest of a bundle")?;
        ensure!(manifest.version == VERSION, "it is of version {}, and only {VERSION} is known", manifest.version);
        Ok(manifest)
    }

    /// Its text.
    ///
    /// # Errors
    /// None that can happen.
    pub fn to_text(&self) -> Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Reads every file below `directory` and says what is not as it should be, a sentence for each.
    pub fn differences(&self, directory: &Path) -> Vec<String> {
        self.files.iter().filter_map(|file| file.difference(directory)).collect()
    }
}

impl ManifestFile {
    /// A file with this content.
    pub fn of(path: &str, content: &[u8]) -> Self {
        Self { path: path.to_owned(), bytes: content.len() as u64, sha256: Digest::of(content) }
    }

    /// The content, read from there, if it is what the manifest says; no byte more is read than that.
    ///
    /// # Errors
    /// When it cannot be read, or is another.
    pub fn checked(&self, from: &mut dyn Read) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        from.take(self.bytes + 1).read_to_end(&mut content).with_context(|| format!("cannot read {}", self.path))?;
        let same = content.len() as u64 == self.bytes && Digest::of(&content) == self.sha256;
        ensure!(same, "{} is not the file of the manifest", self.path);
        Ok(content)
    }

    fn difference(&self, directory: &Path) -> Option<String> {
        let Self { path, bytes, sha256 } = self;
        let file = directory.join(path);
        match fs::metadata(&file).and_then(|found| Ok((found.len(), Digest::of_file(&file)?))) {
            Ok((found, _)) if found != *bytes => Some(format!("{path} has {found} bytes instead of {bytes}")),
            Ok((_, digest)) => (digest != *sha256).then(|| format!("{path} has another content")),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Some(format!("{path} is missing")),
            Err(why) => Some(format!("{path} cannot be read: {why}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_finds_what_was_changed_truncated_or_removed() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &str| {
            fs::write(directory.path().join(name), content).unwrap();
            ManifestFile::of(name, content.as_bytes())
        };
        let files = ["a", "b", "c", "d"].map(|name| file(name, "content")).to_vec();
        let manifest = Manifest::parse(&Manifest::new("1", "here", files).to_text().unwrap()).unwrap();
        assert_eq!(manifest.differences(directory.path()), [""; 0]);
        fs::write(directory.path().join("a"), "Content").unwrap();
        fs::write(directory.path().join("b"), "cont").unwrap();
        fs::remove_file(directory.path().join("c")).unwrap();
        let found = manifest.differences(directory.path());
        assert_eq!(found, ["a has another content", "b has 4 bytes instead of 7", "c is missing"]);
    }

    #[test]
    fn no_byte_more_is_read_than_the_manifest_says() {
        let file = ManifestFile::of("a", b"content");
        assert_eq!(file.checked(&mut &b"content"[..]).unwrap(), b"content");
        let error = file.checked(&mut io::repeat(b'c')).unwrap_err();
        assert_eq!(error.to_string(), "a is not the file of the manifest");
    }

    #[test]
    fn a_manifest_of_another_version_is_refused() {
        let text = br#"{"version": 2, "release": "9", "target": "x", "files": []}"#;
        assert_eq!(Manifest::parse(text).unwrap_err().to_string(), "it is of version 2, and only 1 is known");
        assert!(Manifest::parse(b"{}").is_err());
    }

    #[test]
    fn a_digest_is_64_hex_digits() {
        let digest = Digest::of(b"");
        assert_eq!(digest.to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(Digest::parse(&digest.to_string().to_uppercase()), Some(digest));
        assert_eq!(Digest::parse("e3b0"), None);
        assert_eq!(Digest::parse(&"g".repeat(64)), None);
    }
}
