//! The Debian package: the same files in other places, what dpkg is to know of them, and the archive around both.
//!
//! A `.deb` is an `ar` archive of three members (deb(5)). It is written here, and not by dpkg-deb: it is the same
//! archive with another head, it needs no program, and the same files give the same bytes.

use anyhow::{Context as _, Result};
use warmer_setup::{LIBRARY_NAME, Manifest};

use super::bundle::Parts;
use super::tree::{Tree, read};
use super::{archive, needs};

/// The file that dpkg keeps the changes of.
const CONFIGURATION: &str = "etc/warmer/warmer.toml";

/// What dpkg runs.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

/// A package: its file's name and its bytes.
///
/// # Errors
/// When Debian does not know the machine, or a file is missing.
pub(crate) fn package(parts: &Parts, bundle: &Tree, epoch: u64) -> Result<(String, Vec<u8>)> {
    let architecture = match parts.target.as_str() {
        "x86_64-unknown-linux-gnu" => "amd64",
        "aarch64-unknown-linux-gnu" => "arm64",
        other => anyhow::bail!("there is no Debian for {other}"),
    };
    let data = data(parts, bundle)?;
    let mut control = Tree::default();
    control.add("control", fields(parts, &data, architecture));
    control.add("conffiles", format!("/{CONFIGURATION}\n"));
    for script in SCRIPTS {
        control.add_program(script, read(&parts.sources.join("config/debian").join(script))?);
    }
    let packed = |tree: &Tree| -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        archive::write(tree, "", None, epoch, &mut bytes)?;
        Ok(bytes)
    };
    let members = [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.zst", packed(&control)?),
        ("data.tar.zst", packed(&data)?),
    ];
    Ok((format!("warmer_{}_{architecture}.deb", parts.release), ar(&members, epoch)))
}

/// What is installed.
fn data(parts: &Parts, bundle: &Tree) -> Result<Tree> {
    let mut data = bundle.below("bin/").moved("bin/", "usr/bin/");
    let mut own = bundle.below("model/");
    own.extend(bundle.below(&format!("lib/{LIBRARY_NAME}")).moved("lib/", ""));
    // Of what the program looks for beside itself; dpkg knows of the other files.
    let manifest = Manifest::new(&parts.release, &parts.target, own.digests());
    own.add(Manifest::FILE, manifest.to_text()?);
    data.extend(own.moved("", "usr/lib/warmer/"));
    data.extend(bundle.below("lib/systemd/").moved("lib/", "usr/lib/"));
    data.extend(bundle.below("share/warmer/").moved("share/", "usr/share/"));
    data.extend(bundle.below("licenses/").moved("licenses/", "usr/share/doc/warmer/licenses/"));
    let content = |path: &str| bundle.content(path).with_context(|| format!("the bundle has no {path}"));
    data.add(CONFIGURATION, content("etc/warmer.toml")?);
    let licence = content("licenses/LICENSE-MIT")?;
    let copyright = "Warmer is under the MIT licence, below, or the Apache licence 2.0, as you like. Beside this\n\
                     file, in licenses/, are those of ONNX Runtime and of what is linked into the program; the\n\
                     model's are in /usr/lib/warmer/model.\n\n";
    data.add("usr/share/doc/warmer/copyright", [copyright.as_bytes(), licence].concat());
    Ok(data)
}

/// The file `control`.
fn fields(parts: &Parts, data: &Tree, architecture: &str) -> String {
    let programs = ["usr/bin/warmer".to_owned(), format!("usr/lib/warmer/{LIBRARY_NAME}")];
    let programs: Vec<_> = programs.iter().filter_map(|path| data.content(path)).collect();
    let mut depends = needs::debian(&programs);
    depends.extend(["adduser", "ca-certificates"].map(str::to_owned));
    format!(
        "Package: warmer\nVersion: {}\nArchitecture: {architecture}\nMaintainer: The maintainers of Warmer\n\
         Installed-Size: {}\nDepends: {}\nRecommends: git, openssh-client\nSuggests: postgresql\n\
         Section: devel\nPriority: optional\nDescription: keeps a cache of git repositories warm for AI agents\n \
         Warmer fetches the repositories, works out what changed, embeds what is new with a\n local model, and stores \
         the result. An agent then asks a cache that is up to date\n instead of reading a repository again.\n .\n \
         The service is there and not enabled: systemctl enable --now warmer\n",
        parts.release,
        data.bytes().div_ceil(1024),
        depends.join(", "),
    )
}

/// An archive as `ar` makes it: a line about each member, and the member, at even places.
fn ar(members: &[(&str, Vec<u8>)], epoch: u64) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        let (owner, mode) = (0, "100644");
        let head = format!("{name:<16}{epoch:<12}{owner:<6}{owner:<6}{mode:<8}{:<10}`\n", content.len());
        bytes.extend(head.as_bytes());
        bytes.extend(content);
        if content.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}
