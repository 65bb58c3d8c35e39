//! The tests of the whole: the real binary on real repositories and real SQLite, mostly with a toy model.
//!
//! | module | what it proves |
//! |---|---|
//! | `warms` | a repository becomes rows; the next warm costs only what changed |
//! | `plans` | a plan is what the warm then costs, and leaves nothing behind |
//! | `reuses` | content that is known under another path, branch or repository costs nothing (W-5) |
//! | `equals` | after any history the cache is what a warm from scratch gives (W-3, W-14) |
//! | `histories` | the same over random histories (W-14) |
//! | `faults` | every stage, every edge, every fault: the same rows in the end (W-7) |
//! | `bounds` | claims, messages, bytes, texts and restarts as equations (W-4, W-5, W-6, W-8) |
//! | `bottlenecks` | whatever is slowed alone, `status` names it with the key that helps, or says that none does |
//! | `providers` | an embedding provider that is late, busy or wrong costs no file |
//! | `slots` | light checks without, heavy work with one, and none starves the other (W-9) |
//! | `policies` | a repository's own rules, and what becomes of one that vanished |
//! | `vanished` | what cannot be fetched any more is cut anew from what is stored, as by a warm from scratch |
//! | `skips` | what is not indexed is counted under its reason |
//! | `changes` | another model, another limit, another rule is noticed, and what it does not touch is kept |
//! | `generations` | a changed model loses no answer |
//! | `switches` | a switch of the model in front of readers: no answer is mixed or missing, whatever dies |
//! | `interrupted` | an end half-way loses nothing that was stored |
//! | `daemon` | `run` warms by itself, is told by signals, and hands back what it has |
//! | `reloads` | a configuration that is read again, and sizes from the database, count within their bounds |
//! | `tuned` | pools that are resized under load, whatever fails, lose nothing (W-6, W-7) |
//! | `upkeep` | `run` collects and verifies, one instance at a time |
//! | `fleet` | what one instance lacks another does, and nobody undoes another's work |
//! | `followed` | `repos`, `enqueue` and `jobs`: what a person says about repositories and jobs |
//! | `webhooks` | a push is warmed within seconds; without the secret it is refused; silence keeps nobody out |
//! | `health` | probes say how a daemon is, whatever its database does; TLS; the end in order |
//! | `service` | a service manager is told of the start, the reload, the end, and that the daemon lives; other names |
//! | `remotes` | servers that refuse, fail, hang or move: a sentence, a verdict, an exit code |
//! | `answered` | `warm` ends whatever becomes of its jobs |
//! | `mirrors` | a mirror is kept no longer than its job, and one that another process keeps fails nobody |
//! | `shared` | `warm` beside daemons on one queue |
//! | `silent` | a database that falls silent under a daemon |
//! | `gitwork` | git's work that does not stop is killed, and leaves nothing behind |
//! | `ssh` | `ssh://` through the ssh program |
//! | `bad_input` | arguments, repositories and directories that are not as they should be |
//! | `damaged` | databases, disks, models and libraries that are broken |
//! | `reading` | `search`, `show`, `status`, `jobs`, `gc`, `doctor` |
//! | `agents` | `warmer mcp`: both eras of the protocol, and answers that are true, fresh and within their tokens |
//! | `installs` | `warmer mcp install` changes a client's file and nothing else in it |
//! | `lasting` | `warmer mcp` lives for days: its database, its directory and what is served change meanwhile |
//! | `config` | layers, mistakes, the manual |
//! | `bundle` | with model and runtime beside it the program needs no home, and writes nothing there |
//! | `traces` | an attempt is one trace (W-11) |
//! | `metrics` | what a daemon measures is what is listed; a collector costs nothing |
//! | `span_trees` | the spans of each kind of attempt are the same to the name (W-11) |
//! | `span_names` | config/traces.md lists every span and attribute |
//! | `trace_bounds` | what of an attempt becomes spans is bounded, and the rest is counted |
//! | `failed_attempts` | `trace` tells where the time of attempts went that did not succeed |
//! | `failed_calls` | a span of a call that failed says by which class |
//! | `exports` | where traces go; where they cannot, no job pays for it |
//! | `quiet` | nothing leaves the machine, and nothing is written, that the configuration does not name |
//! | `searched` | a search says why it finds nothing, and of its answers only what is true |
//! | `indexes` | the index of a search is the same from every database, however it came about, and never missed |
//! | `views` | what `--json` prints is the same to the byte |
//! | `secrets` | a token is nowhere to be found (W-12) |
//! | `chaos` | a short round of the chaos suite: deaths, pauses, slots (W-1, W-9) |
//! | `entrypoint` | the image's entry point hands each command to the right program |
//! | `alerts` | rules of Prometheus compute what they say, and alerts fire at their thresholds and not below |
//! | `figures` | what scales a fleet counts what waits, and what a demand needs is computed from what is known |
//! | `idle` | what an instance without work asks of its database |
//! | `without_model` | without model and runtime everything goes on but the vectors |
//! | `children` | a job that ran when two processes died gets a process of its own, and only that can be to blame |
//! | `golden` | the real model finds by meaning |

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests have threads, programs and an environment of their own"
)]

mod agents;
mod alerts;
mod answered;
mod bad_input;
mod bottlenecks;
mod bounds;
mod bundle;
mod changes;
mod chaos;
mod children;
mod config;
mod daemon;
mod damaged;
mod entrypoint;
mod equals;
mod exports;
mod failed_attempts;
mod failed_calls;
mod faults;
mod figures;
mod fleet;
mod followed;
mod generations;
mod gitwork;
mod golden;
mod health;
mod histories;
mod idle;
mod indexes;
mod installs;
mod interrupted;
mod lasting;
mod metrics;
mod mirrors;
mod plans;
mod policies;
mod providers;
mod quiet;
mod reading;
mod reloads;
mod remotes;
mod reuses;
mod searched;
mod secrets;
mod service;
mod shared;
mod silent;
mod skips;
mod slots;
mod span_names;
mod span_trees;
mod ssh;
mod switches;
mod trace_bounds;
mod traces;
mod tuned;
mod upkeep;
mod vanished;
mod views;
mod warms;
mod webhooks;
mod without_model;
