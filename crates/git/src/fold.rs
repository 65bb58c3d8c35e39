//! Makes one pack of many small ones, in a copy of the mirror.
//!
//! Each fetch adds a pack, and a look-up may search them all. To fetch everything anew would take a remote's whole
//! commit for each sixty-fourth push. What is in a small pack is written again instead, and the largest pack, which
//! holds nearly everything, gets a second name in the copy.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::hash::Kind;
use gix::hash::io::Write;
use gix::objs::compute_hash;
use gix::objs::find::Never;
use gix::odb::pack::bundle::write::Options;
use gix::odb::pack::data::entry::Header;
use gix::odb::pack::data::{Version, header};
use gix::odb::pack::{Bundle, index};
use gix::progress::Discard;
use gix::zlib::Compression;
use gix::zlib::stream::deflate;

use crate::damage::damaged;
use crate::explain::root_cause;
use crate::kept::KEPT;
use crate::{ErrorKind, GitError, Oid, repository};

const PACKS: &str = "objects/pack";

/// The pack before it has an index.
const STREAM: &str = "objects/pack/.tmp-folded";

/// Fills the empty mirror `to` with what `from` has. False where that is not worth it: the small packs together are
/// larger than the largest, so most of what is there belongs to commits that nobody reads any more; or they have more
/// objects than a commit has files at most, and an index of them takes memory for each.
///
/// # Errors
/// When `from` is damaged, or the disk is full or knows no second names; on `stop`.
pub(crate) fn fold(
    (from, to): (&Path, &Path),
    options: &crate::Options,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<bool, GitError> {
    let mut packs = packs(from).map_err(|error| GitError::disk("read the mirror", from, &error))?;
    let Some((largest, size)) = packs.pop() else { return Ok(false) };
    if packs.iter().map(|(_, size)| size).sum::<u64>() > size {
        return Ok(false);
    }
    link((from, to), &largest).map_err(|error| GitError::disk("copy the mirror", from, &error))?;
    let small: Vec<_> = packs.into_iter().map(|(path, _)| path).collect();
    let repo = repository::open(from, options, options.fetched_object_bytes_max())?;
    let ids = ids(&small, &largest, repo.object_hash())?;
    if ids.len() as u64 > options.settings.files_max {
        return Ok(false);
    }
    write(&repo, to, &ids, stop, progress)?;
    Ok(true)
}

/// The packs of a mirror, the largest last.
fn packs(mirror: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
    let mut packs = vec![];
    for entry in fs::read_dir(mirror.join(PACKS))? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|extension| extension == "pack") {
            packs.push((entry.path(), entry.metadata()?.len()));
        }
    }
    packs.sort_by_key(|(_, size)| *size);
    Ok(packs)
}

/// What tells the next fetch what is there, and the largest pack.
fn link((from, to): (&Path, &Path), largest: &Path) -> io::Result<()> {
    fs::create_dir_all(to.join(KEPT))?;
    for kept in fs::read_dir(from.join(KEPT))? {
        let kept = kept?;
        fs::copy(kept.path(), to.join(KEPT).join(kept.file_name()))?;
    }
    fs::copy(from.join("shallow"), to.join("shallow"))?;
    for part in [largest.to_owned(), largest.with_extension("idx")] {
        let name = part.file_name().expect("it was found in a folder");
        fs::hard_link(&part, to.join(PACKS).join(name))?;
    }
    Ok(())
}

/// One pack of all objects of the small ones that the largest has not.
fn write(
    repo: &gix::Repository,
    to: &Path,
    ids: &BTreeSet<ObjectId>,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<(), GitError> {
    let (stream, folder) = (to.join(STREAM), to.join(PACKS));
    let disk = |error| GitError::disk("write the mirror", &stream, &error);
    let mut pack = Pack::begin(&stream, ids.len(), repo.object_hash()).map_err(disk)?;
    for id in ids {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        pack.add(&object(repo, *id)?).map_err(disk)?;
        progress(pack.bytes);
    }
    let mut pack = pack.end().map_err(disk)?;
    let how = Options { thread_limit: Some(1), ..Options::default() };
    let made = Bundle::write_to_directory(
        &mut pack,
        Some(&folder),
        &mut Discard,
        stop,
        None::<Never>,
        repo.object_hash(),
        how,
    );
    let made = made.map_err(|error| broken(&folder, &error))?;
    made.keep_path.map_or(Ok(()), fs::remove_file).and_then(|()| fs::remove_file(&stream)).map_err(disk)
}

fn ids(small: &[PathBuf], largest: &Path, hash: Kind) -> Result<BTreeSet<ObjectId>, GitError> {
    let index = |pack: &Path| {
        let path = pack.with_extension("idx");
        index::File::at(&path, hash).map_err(|error| broken(&path, &error))
    };
    let largest = index(largest)?;
    let mut ids = BTreeSet::new();
    for pack in small {
        ids.extend(index(pack)?.iter().map(|entry| entry.oid).filter(|id| largest.lookup(id).is_none()));
    }
    Ok(ids)
}

/// Whole, and of the name that it goes by: what is damaged is not taken over.
fn object(repo: &gix::Repository, id: ObjectId) -> Result<gix::Object<'_>, GitError> {
    let read = || {
        let object = repo.find_object(id)?;
        compute_hash(repo.object_hash(), object.kind, &object.data)?.verify(&id)?;
        Ok(object)
    };
    read().map_err(|error| damaged(repo, &Oid(id), &error))
}

fn broken(path: &Path, error: &gix::Error) -> GitError {
    let text = format!("cannot fold the packs of the mirror at {}: {}", path.display(), root_cause(error));
    GitError::temporary(ErrorKind::Corrupt, text)
}

/// A pack in the making (gitformat-pack(5), version 2): objects one after the other, none as a difference from another.
struct Pack {
    out: Write<BufWriter<File>>,
    bytes: u64,
}

impl Pack {
    fn begin(path: &Path, objects: usize, hash: Kind) -> io::Result<Self> {
        let objects = u32::try_from(objects).map_err(io::Error::other)?;
        let file = File::options().create_new(true).read(true).write(true).open(path)?;
        let mut out = Write::new(BufWriter::new(file), hash);
        out.write_all(&header::encode(Version::V2, objects))?;
        Ok(Self { out, bytes: 0 })
    }

    fn add(&mut self, object: &gix::Object<'_>) -> io::Result<()> {
        let kind = match object.kind {
            gix::objs::Kind::Blob => Header::Blob,
            gix::objs::Kind::Commit => Header::Commit,
            gix::objs::Kind::Tag => Header::Tag,
            gix::objs::Kind::Tree => Header::Tree,
        };
        let size = object.data.len() as u64;
        kind.write_to(size, &mut self.out)?;
        let mut compressed = deflate::Write::new(&mut self.out, Compression::BEST_SPEED);
        compressed.write_all(&object.data)?;
        compressed.flush()?;
        self.bytes += size;
        Ok(())
    }

    /// Gives the file from its start.
    fn end(self) -> io::Result<BufReader<File>> {
        let Write { hash, mut inner } = self.out;
        inner.write_all(hash.try_finalize().map_err(io::Error::other)?.as_slice())?;
        let mut file = inner.into_inner()?;
        file.rewind()?;
        Ok(BufReader::new(file))
    }
}
