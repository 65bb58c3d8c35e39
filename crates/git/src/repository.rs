//! How a mirror is opened: with our options and nobody's configuration.

use std::path::Path;

use gix::odb::store::init::Slots;
use gix::sec::Trust;

use crate::explain::root_cause;
use crate::{ErrorKind, GitError, Options, current_dir};

/// Room for packs in one open handle, four times the number at which a mirror is renewed. gix fixes the room when it
/// opens, by default for 10 % more packs than there are: a handle older than a few fetches then fails for good.
const SLOTS: u16 = 256;

/// Opens the bare repository at `path`. Where `object_bytes_max` is exceeded by one object, reading it fails.
pub(crate) fn open(path: &Path, options: &Options, object_bytes_max: u64) -> Result<gix::Repository, GitError> {
    current_dir::leave_if_gone(path);
    gix::open_opts(path, isolated(options, object_bytes_max)).map_err(|error| {
        let text = format!("cannot open the mirror {}: {}", path.display(), root_cause(&error));
        GitError::new(ErrorKind::Corrupt, text)
    })
}

/// Makes an empty bare repository at `path`.
pub(crate) fn create(path: &Path, options: &Options) -> Result<(), GitError> {
    current_dir::leave_if_gone(path);
    let how = gix::create::Options::default();
    let made = gix::ThreadSafeRepository::init_opts(path, gix::create::Kind::Bare, how, isolated(options, 0));
    made.map(drop).map_err(|error| {
        let text = format!("cannot make the mirror {}: {}", path.display(), root_cause(&error));
        GitError::new(ErrorKind::Local, text)
    })
}

/// No system or user configuration, no environment. One thread, and 1 MiB of delta bases for each handle: there is one
/// for each Hasher and one for the walk, and larger ones only fill up with the size of the repository. Full trust,
/// because a mirror on a shared volume may belong to another user id.
fn isolated(options: &Options, object_bytes_max: u64) -> gix::open::Options {
    gix::open::Options::isolated()
        .config_overrides([
            "pack.threads=1".to_owned(),
            "core.deltaBaseCacheLimit=1m".to_owned(),
            format!("gitoxide.objects.allocLimit={object_bytes_max}"),
            format!("gitoxide.userAgent={}", options.user_agent),
        ])
        .object_store_slots(Slots::Given(SLOTS))
        .open_path_as_is(true)
        .with(Trust::Full)
}
