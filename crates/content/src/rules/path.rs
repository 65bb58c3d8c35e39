//! What a path says by itself: secret, lock file, vendored, minified, generated.

/// Directories whose content others wrote.
const VENDORED: &[&str] = &[
    ".venv",
    ".yarn",
    "bower_components",
    "carthage",
    "godeps",
    "jspm_packages",
    "node_modules",
    "pods",
    "site-packages",
    "third-party",
    "third_party",
    "thirdparty",
    "vendor",
    "venv",
];

/// What package managers write to pin versions.
const LOCK_FILES: &[&str] = &[
    ".terraform.lock.hcl",
    "bun.lock",
    "bun.lockb",
    "cargo.lock",
    "composer.lock",
    "conan.lock",
    "deno.lock",
    "flake.lock",
    "gemfile.lock",
    "go.sum",
    "go.work.sum",
    "gradle.lockfile",
    "mix.lock",
    "module.bazel.lock",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "package.resolved",
    "packages.lock.json",
    "pdm.lock",
    "pipfile.lock",
    "pnpm-lock.yaml",
    "podfile.lock",
    "poetry.lock",
    "pubspec.lock",
    "uv.lock",
    "yarn.lock",
];

const MINIFIED_ENDINGS: &[&str] = &[".min.css", ".min.js", ".min.mjs", "-min.css", "-min.js"];

const GENERATED_ENDINGS: &[&str] = &[
    ".designer.cs",
    ".freezed.dart",
    ".g.cs",
    ".g.dart",
    ".gen.go",
    ".map",
    ".pb.cc",
    ".pb.go",
    ".pb.gw.go",
    ".pb.h",
    ".pb.swift",
    "_generated.go",
    "_grpc.pb.go",
    "_pb2.py",
    "_pb2.pyi",
    "_pb2_grpc.py",
    "_pb.d.ts",
    "_pb.js",
];

/// Files that hold credentials, by their whole name.
const SECRET_NAMES: &[&str] = &[
    ".dockercfg",
    ".git-credentials",
    ".htpasswd",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    ".yarnrc.yml",
    "_netrc",
    "credentials.json",
];

/// Files that hold credentials, by the beginning of their name.
const SECRET_BEGINNINGS: &[&str] = &[".env", "id_dsa", "id_ecdsa", "id_ed25519", "id_rsa"];

/// Files that hold credentials, by the end of their name.
const SECRET_ENDINGS: &[&str] = &[
    ".env",
    ".jks",
    ".kdbx",
    ".key",
    ".keystore",
    ".p12",
    ".p8",
    ".pem",
    ".pfx",
    ".pkcs12",
    ".ppk",
    ".tfstate",
    ".tfstate.backup",
    ".tfvars",
    ".tfvars.json",
];

/// Files that hold credentials, by the end of their path.
const SECRET_PATHS: &[&str] =
    &["/.aws/credentials", "/.cargo/credentials", "/.cargo/credentials.toml", "/.docker/config.json", "/.kube/config"];

/// All lists, for the digest of the rules.
pub(super) const LISTS: [&[&str]; 8] = [
    VENDORED,
    LOCK_FILES,
    MINIFIED_ENDINGS,
    GENERATED_ENDINGS,
    SECRET_NAMES,
    SECRET_BEGINNINGS,
    SECRET_ENDINGS,
    SECRET_PATHS,
];

/// Longer paths are odd, in bytes: an index row of PostgreSQL ends at 2,704, the repository and the row's head
/// included. Linux itself opens no path of 4,096.
pub const PATH_BYTES_MAX: usize = 2_600;

/// The path as text; `None` unless it is UTF-8 of ordinary components without control characters, and not too long.
pub(super) fn plain(path: &[u8]) -> Option<&str> {
    let path = str::from_utf8(path).ok().filter(|path| path.len() <= PATH_BYTES_MAX)?;
    let odd = path.chars().any(char::is_control) || path.split('/').any(|part| matches!(part, "" | "." | ".."));
    (!odd).then_some(path)
}

pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

pub(super) fn is_secret(path: &str) -> bool {
    let path = format!("/{}", path.to_lowercase());
    let name = file_name(&path);
    // `id_work` is a key as `id_rsa` is; `id_map.rs` is not.
    let bare_identity = name.starts_with("id_") && !name.contains('.');
    bare_identity
        || SECRET_NAMES.contains(&name)
        || SECRET_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
        || SECRET_ENDINGS.iter().any(|ending| name.ends_with(ending))
        || SECRET_PATHS.iter().any(|ending| path.ends_with(ending))
}

pub(super) fn is_lock_file(file_name: &str) -> bool {
    LOCK_FILES.contains(&file_name.to_lowercase().as_str())
}

pub(super) fn is_vendored(path: &str) -> bool {
    let directories = path.rsplit_once('/').map_or("", |(directories, _)| directories);
    directories.split('/').any(|part| VENDORED.contains(&part.to_lowercase().as_str()))
}

pub(super) fn is_minified(file_name: &str) -> bool {
    let name = file_name.to_lowercase();
    MINIFIED_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

pub(super) fn is_generated(file_name: &str) -> bool {
    let name = file_name.to_lowercase();
    GENERATED_ENDINGS.iter().any(|ending| name.ends_with(ending))
}
