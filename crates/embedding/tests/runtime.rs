//! Libraries that are no ONNX Runtime of this machine. A program of its own, since a process loads only one runtime.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "it compiles a program with the rustc that compiles it"
)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use warmer_embedding::Runtime;

/// A shared library that says it is ONNX Runtime of this version.
fn library(directory: &Path, name: &str, source: &str) -> PathBuf {
    let (from, to) = (directory.join(format!("{name}.rs")), directory.join(format!("lib{name}.so")));
    fs::write(&from, source).unwrap();
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let done = Command::new(rustc)
        .args(["--edition", "2024", "--crate-type", "cdylib", "-o"])
        .args([&to, &from])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    to
}

const OLD: &str = r#"
#[repr(C)]
pub struct Base { api: extern "C" fn(u32) -> *const u8, version: extern "C" fn() -> *const u8 }
extern "C" fn api(_: u32) -> *const u8 { std::ptr::null() }
extern "C" fn version() -> *const u8 { c"1.10.2".as_ptr().cast() }
static BASE: Base = Base { api, version };
#[unsafe(no_mangle)]
pub extern "C" fn OrtGetApiBase() -> *const Base { &BASE }
"#;

#[test]
fn an_unfit_library_is_refused_in_one_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let old = library(directory.path(), "old", OLD);
    let other = library(directory.path(), "other", "#[unsafe(no_mangle)] pub extern \"C\" fn nothing() {}");
    fs::write(path("script.so"), "#!/bin/sh\n").unwrap();
    fs::create_dir(path("directory")).unwrap();
    let mut bytes = fs::read(&old).unwrap();
    fs::write(path("half.so"), &bytes[..bytes.len() / 2]).unwrap();
    bytes[18] = if cfg!(target_arch = "x86_64") { 183 } else { 62 };
    fs::write(path("foreign.so"), bytes).unwrap();
    let linux = cfg!(target_os = "linux");
    for (path, why) in [
        (path("none.so"), "is not there: get it with `warmer setup`"),
        (path("script.so"), if linux { "it is not a shared library" } else { "" }),
        (path("half.so"), if linux { "it is truncated" } else { "" }),
        (path("foreign.so"), if linux { "it is made for" } else { "" }),
        (path("directory"), "it is not a file"),
        (other, "it is a shared library, but not ONNX Runtime"),
        (old, "is of version 1.10.2, and version 1.17 or later is needed"),
    ] {
        let error = Runtime::load(&path).err().unwrap().to_string();
        assert!(error.contains(why) && error.contains(&path.display().to_string()), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}
