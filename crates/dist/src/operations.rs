//! The files for operations: those of `config` that users get. By name, for what else lies there (notes, a secret, what
//! an editor keeps) is nobody else's.

use std::path::Path;

use anyhow::Result;

use super::tree::Tree;

/// The directory of the tree that they lie in.
pub(crate) const DIRECTORY: &str = "config";

/// Those to copy from, as paths below it.
const FILES: &[&str] = &[
    "MIGRATING.md",
    "compose.yaml",
    "examples/rolling-deploy.toml",
    "grafana/dashboards/warmer.json",
    "grafana/provisioning/dashboards/warmer.yaml",
    "grafana/provisioning/datasources/warmer.yaml",
    "kubernetes/base/deployment.yaml",
    "kubernetes/base/digest.yaml",
    "kubernetes/base/kustomization.yaml",
    "kubernetes/base/poddisruptionbudget.yaml",
    "kubernetes/base/warmer.toml",
    "kubernetes/overlays/hpa/horizontalpodautoscaler.yaml",
    "kubernetes/overlays/hpa/kustomization.yaml",
    "kubernetes/overlays/hpa/prometheus-adapter.yaml",
    "kubernetes/overlays/keda/kustomization.yaml",
    "kubernetes/overlays/keda/scaledobject.yaml",
    "kubernetes/overlays/keda/triggerauthentication.yaml",
    "metrics.md",
    "prometheus/RUNBOOK.md",
    "prometheus/prometheus.yml",
    "prometheus/rules/alerts.yml",
    "prometheus/rules/recording.yml",
    "prometheus/tests/instances.yml",
    "prometheus/tests/jobs.yml",
    "prometheus/tests/queue.yml",
    "systemd/warmer.sysusers",
    "traces.md",
    "warmer.toml",
];

/// The unit lies elsewhere in the bundle; the Debian package and the image are made of the others.
const OF_PACKAGES: &[&str] =
    &["debian/postinst", "debian/postrm", "debian/prerm", "docker/entrypoint.sh", "systemd/warmer.service"];

/// Adds them below `share/warmer`.
///
/// # Errors
/// When one is missing.
pub(crate) fn add(tree: &mut Tree, sources: &Path) -> Result<()> {
    let directory = sources.join(DIRECTORY);
    FILES.iter().try_for_each(|file| tree.copy(format!("share/warmer/{file}"), &directory.join(file)))
}

/// What lies beside them, as paths below the tree.
///
/// # Errors
/// When the directory cannot be read.
pub(crate) fn others(sources: &Path) -> Result<Vec<String>> {
    let mut all = Tree::default();
    all.copy_all("", &sources.join(DIRECTORY))?;
    let names = all.nodes().map(|(path, _)| path.trim_start_matches('/'));
    let others = names.filter(|name| !FILES.contains(name) && !OF_PACKAGES.contains(name));
    Ok(others.map(|name| format!("{DIRECTORY}/{name}")).collect())
}
