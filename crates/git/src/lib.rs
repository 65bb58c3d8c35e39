//! Repositories, and nothing but: where they are, what a ref points to, what changed, and the bytes of a file.
//!
//! The only crate that knows gix. Everything here blocks: call it from a blocking thread, or have it done elsewhere: an
//! [`Errand`] is a piece of it as a message, for a process that can be killed. In the order of a job:
//!
//! 1. [`Remote`] turns an argument into a place to fetch from, and refuses secrets in it.
//! 2. [`Mirrors::tip`] asks the remote what a ref points to: one listing of refs, no objects, no mirror.
//! 3. [`Mirrors::take`] locks our bare copy of the remote, and [`Mirror::fetch`] brings one ref of it up to date.
//! 4. [`Mirror::changes`] streams what differs between two commits, at a cost that follows what changed.
//! 5. [`Blobs`] reads what is worth reading.
//!
//! What a remote sends is never trusted: nothing is checked out, no hook, helper or prompt is run, no configuration
//! of a remote is read, submodules are named and not followed, and paths are bytes. The programs `git`, which serves a
//! repository of this machine, and `ssh` read the configuration of their user.

mod attributes;
mod blobs;
mod changes;
mod connection;
mod errand;
mod error;
mod evict;
mod explain;
mod fetch;
mod folder;
mod heard;
mod http;
mod lease;
mod listing;
mod local;
mod look;
mod meter;
mod mirror;
mod mirrors;
mod networks;
mod oid;
mod options;
mod place;
mod program;
mod remote;
mod reply;
mod repository;
mod site;
mod tip;
mod userinfo;
mod verdict;
mod words;

pub use attributes::Attributes;
pub use blobs::{Blobs, Reader, read_counter};
pub use changes::{Change, ChangeKind};
pub use errand::{Answer, Answers, Errand};
pub use error::{ErrorKind, GitError, Remedy};
pub use fetch::Received;
pub use mirror::{Mirror, Turn};
pub use mirrors::Mirrors;
pub use networks::PrivateNetworks;
pub use oid::{MalformedOid, Oid};
pub use options::{Credential, Options, Secret, Token, secret_in};
pub use place::Place;
pub use remote::{Remote, RemoteError};
pub use site::Fetched;
pub use tip::Tip;
